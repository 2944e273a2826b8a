"""The embedded chain, and deployment of the compiled contracts on it, for the tests in this folder."""

import json
import subprocess
from pathlib import Path

from eth_abi import decode, encode
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

ROOT = Path(__file__).resolve().parents[2]
# Largest code of one account (EIP-170), and the prefix of an account that holds part of a program.
CODE_LIMIT = 24_576
FRAGMENT = bytes.fromhex("eff001")
STYLUS_DEPLOYER = "0xcEcba2F1DC234f70Dd89F2041029807F8D03A990"
DEPLOYER_ABI = [
    {
        "type": "event",
        "name": "ContractDeployed",
        "anonymous": False,
        "inputs": [{"name": "deployedContract", "type": "address", "indexed": False}],
    },
    {
        "type": "function",
        "name": "deploy",
        "stateMutability": "payable",
        "inputs": [
            {"name": "bytecode", "type": "bytes"},
            {"name": "initData", "type": "bytes"},
            {"name": "initValue", "type": "uint256"},
            {"name": "salt", "type": "bytes32"},
        ],
        "outputs": [{"name": "", "type": "address"}],
    },
]


def interface(name):
    return json.loads((ROOT / f"docs/interfaces/{name}.json").read_text())


def built(path):
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run 'make build'")
    return path


class Node:
    """A separate chain on a free port, until `stop`."""

    def __init__(self):
        command = [built(ROOT / "target/host/devnet"), "--port", "0", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"devnet ended with {self.process.returncode} before it answered")
        facts = json.loads(line)
        self.url, self.ws_url, self.chain_id = facts["url"], facts["wsUrl"], facts["chainId"]
        self.accounts = [Account.from_key(key) for key in facts["keys"]]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def connect(self, account):
        """A connection that signs locally with the key of `account`."""
        w3 = Web3(HTTPProvider(self.url))
        w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
        w3.eth.default_account = account.address
        return w3


def send(w3, function, **transaction):
    """Sends a contract call and waits for its receipt."""
    receipt = w3.eth.wait_for_transaction_receipt(function.transact(transaction), poll_latency=0.02)
    assert receipt.status == 1, f"{function.fn_name} reverted"
    return receipt


def creation(code):
    """What `cargo stylus` puts before a program: it returns everything after these 43 bytes."""
    return b"\x7f" + len(code).to_bytes(32, "big") + bytes.fromhex("80602b6000396000f300") + code


def whole(w3, name):
    """A program's code: the program itself, or the list of the accounts with its parts, which this creates."""
    code = built(ROOT / f"target/contracts/{name}.code").read_bytes()
    if len(code) <= CODE_LIMIT:
        return code
    length = built(ROOT / f"target/contracts/{name}.wasm").stat().st_size
    root = bytes.fromhex("eff00200") + length.to_bytes(4, "big")
    size = CODE_LIMIT - len(FRAGMENT)
    for at in range(4, len(code), size):
        transaction = w3.eth.send_transaction({"data": creation(FRAGMENT + code[at : at + size])})
        receipt = w3.eth.wait_for_transaction_receipt(transaction, poll_latency=0.02)
        root += bytes.fromhex(receipt.contractAddress[2:])
    return root


def deploy(w3, name, types, values, abi):
    """Deploys, activates and constructs a program through StylusDeployer."""
    constructor = Web3.keccak(text="stylus_constructor()")[:4] + encode(types, values)
    deployer = w3.eth.contract(STYLUS_DEPLOYER, abi=DEPLOYER_ABI)
    call = deployer.functions.deploy(creation(whole(w3, name)), constructor, 0, bytes(32))
    receipt = send(w3, call, value=10**16)
    logs = [log for log in receipt.logs if log.address == STYLUS_DEPLOYER]
    event = deployer.events.ContractDeployed().process_log(logs[0])
    return w3.eth.contract(event.args.deployedContract, abi=abi)


def custom_error(abi, data):
    """The name and arguments of the custom error in revert data."""
    data = bytes.fromhex(data.removeprefix("0x"))
    for entry in abi:
        types = [field["type"] for field in entry.get("inputs", [])]
        signature = f"{entry.get('name')}({','.join(types)})"
        if entry["type"] == "error" and Web3.keccak(text=signature)[:4] == data[:4]:
            return entry["name"], decode(types, data[4:])
    raise ValueError(f"no error of the ABI has the selector {data[:4].hex()}")
