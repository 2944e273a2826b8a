"""Sends `orderbook serve` all that its OpenAPI document allows, as each role, and checks every answer against the document:
no 5xx status; status, content type and body as documented. The board is the demo's, on the embedded chain.

    scripts/python.sh tests/py/served.py [SECONDS]

Each role gets an equal part of the seconds (108 by default). The seed is fixed: runs repeat each other.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from chain import ROOT, built
from eth_account import Account
from eth_account.messages import encode_defunct

SEED = 20270115
SECONDS = 108
ORDERBOOK = ROOT / "target/host/orderbook"
DEVNET = ROOT / "target/host/devnet"
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "unsupported_method",
    ]
)


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERBOOK_")}
    return kept | {"NO_COLOR": "1", "USER": "tester"}


class Board:
    """The demo's market with its chain and a server, until `stop`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.processes = []
        command = [built(ORDERBOOK), "demo", "--json", "--force", "--folder", folder, "--devnet", DEVNET]
        subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL)
        facts = self.begin([DEVNET, "--port", "0", "--json", "--state", self.folder / "chain.state"])
        self.rpc = facts["url"]
        self.rex = Account.create()
        self.run("staff", "add", "rex.adler", "--role", "records_officer", "--key", self.rex.address)
        limit = ["--limit-per-minute", "1000000000"]
        begun = self.begin(self.command("serve", "--listen", "127.0.0.1:0", *limit), stderr=True)
        self.url = begun["serving"]

    def command(self, *arguments):
        profile = ["--json", "--profile", self.folder, "--rpc-url", self.rpc]
        return [ORDERBOOK, *arguments, *profile]

    def run(self, *arguments):
        done = subprocess.run(
            self.command(*arguments), env=environment(), check=False, stdout=subprocess.PIPE, text=True
        )
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)["data"]

    def begin(self, command, stderr=False):
        pipe = {"stderr" if stderr else "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, env=environment(), text=True, **pipe)
        self.processes.append(process)
        stream = process.stderr if stderr else process.stdout
        facts = json.loads(stream.readline())
        if stderr:
            # The server would block if its output were not read; its warnings are shown.
            reader = ["sed", "-n", "/warning\\|\"status\":5/p"]
            self.processes.append(subprocess.Popen(reader, stdin=stream, stdout=sys.stderr))
        return facts

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()

    def wallet(self, name):
        password = (self.folder / "password").read_text().splitlines()[0]
        found = [path for path in (self.folder / "wallets").iterdir() if path.stem == name]
        return Account.from_key(Account.decrypt(found[0].read_text(), password))

    def ask(self, method, path, body=None, **headers):
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, own | headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.headers, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.code} {refused.read()}") from refused

    def session(self, account):
        """The headers of a signed-in browser."""
        headers, asked = self.ask("POST", "/v1/session/challenge", {"address": account.address})
        browser = headers["Set-Cookie"].split(";")[0]
        signed = account.sign_message(encode_defunct(text=asked["message"]))
        signature = "0x" + signed.signature.hex().removeprefix("0x")
        answer = {"nonce": asked["nonce"], "signature": signature}
        headers, _ = self.ask("POST", "/v1/session", answer, Cookie=browser)
        cookies = [value.split(";")[0] for value in headers.get_all("Set-Cookie")]
        cookie = next(value for value in cookies if value.startswith("__Host-session="))
        return {"Cookie": cookie, "Origin": self.url, "Sec-Fetch-Site": "same-origin"}

    def key(self, account):
        """The header with an API key of a wallet, for everything that a key can do."""
        ends = datetime.now(timezone.utc) + timedelta(days=1)
        body = {
            "name": "served.py",
            "scopes": ["read", "orders", "desk"],
            "expires_at": ends.isoformat().replace("+00:00", "Z"),
        }
        unique = {"Idempotency-Key": str(uuid.uuid4())}
        _, made = self.ask("POST", "/v1/keys", body, **self.session(account), **unique)
        return {"Authorization": f"Bearer {made['key']}"}

    def signed(self, wallet, side, price):
        """An order signed by this wallet, as the platform accepts it."""
        order = self.run("order", "sign", side, "HRBR", "10", price, "--wallet", wallet)[0]
        expiry = datetime.fromtimestamp(order["expiry"], timezone.utc)
        number = lambda name: str(int(order[name], 0))
        return {
            "order": {
                "chain_id": order["chain_id"],
                "contract": order["settlement"],
                "owner": order["owner"],
                "side": order["side"],
                "security": order["security"],
                "payment": order["payment"],
                "quantity": number("quantity"),
                "limit_total": number("limit_total"),
                "expiry": expiry.isoformat().replace("+00:00", "Z"),
                "epoch": order["epoch"],
                "counterparty": order["counterparty"],
                "board_ref": order["board_ref"],
            },
            "signature": order["signature"],
        }


def examine(board, role, headers, seconds, folder):
    """Runs the command; returns whether every answer was as the document says."""
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "run", ROOT / "docs/openapi.json", "--url", board.url]
    command += ["--checks", CHECKS, "--seed", str(SEED), "--generation-database", "none"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-time", str(seconds)]
    command += ["--no-shrink", "--warnings", "off", "--no-color", "--continue-on-failure"]
    # Signing out would end the run.
    command += ["--exclude-name", "DELETE /v1/session"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    hooks = {
        "SCHEMATHESIS_HOOKS": "served_hooks",
        "PYTHONPATH": str(Path(__file__).parent),
        "SERVED_ORDERS": str(Path(folder) / "orders.json"),
    }
    print(f"served: {role}, {seconds} s", flush=True)
    done = subprocess.run(command, env=environment() | hooks, cwd=folder, check=False)
    return done.returncode == 0


def main(seconds):
    with tempfile.TemporaryDirectory() as folder:
        board = Board(str(Path(folder) / "demo"))
        try:
            orders = [board.signed("victor-chen", "bid", f"24.{cents}") for cents in range(10, 30)]
            (Path(folder) / "orders.json").write_text(json.dumps(orders))
            roles = {
                "nobody": {},
                "an investor": board.key(board.wallet("victor-chen")),
                "a trader": board.key(board.wallet("dana")),
                "a principal": board.key(board.wallet("ruth")),
                "a records officer": board.key(board.rex),
                "an admin": board.session(board.wallet("alma")),
            }
            each = seconds // len(roles)
            failed = [
                role
                for role, headers in roles.items()
                if not examine(board, role, headers, each, folder)
            ]
            report = board.run("audit", "verify", "--offline")
            print(f"served: {report['events']} events verified")
        finally:
            board.stop()
    if failed:
        sys.exit(f"served: not every answer is as the document says, for {', '.join(failed)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
