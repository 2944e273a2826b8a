"""What any Ethereum client expects of the chain, tested with web3.py."""

import asyncio
import unittest

from web3 import AsyncWeb3, WebSocketProvider
from web3.exceptions import BlockNotFound, ContractCustomError, TransactionNotFound, Web3RPCError

from chain import Node, custom_error, deploy, interface, send

ABI = interface("ISecurityToken")
GWEI = 10**9
# Returns the caller's balance and the word in slot 0, in 32 bytes each.
PROBE = "0x333160005260005460205260406000f3"


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.stop)
        cls.issuer, cls.stranger = cls.node.accounts[:2]
        cls.w3 = cls.node.connect(cls.issuer)
        cls.token = deploy(
            cls.w3,
            "erc1404-token",
            ["string", "string", "uint8", "string", "uint256", "address"],
            ["Example", "EXA", 18, "US0378331005", 0, cls.issuer.address],
            ABI,
        )
        compliance = cls.w3.keccak(text="COMPLIANCE_ROLE")
        send(cls.w3, cls.token.functions.grantRole(compliance, cls.issuer.address))

    def sign_and_send(self, account, transaction):
        """Signs locally and waits for the receipt."""
        eth = self.w3.eth
        nonce = eth.get_transaction_count(account.address)
        transaction = {"nonce": nonce, "chainId": self.node.chain_id, **transaction}
        signed = account.sign_transaction(transaction)
        sent = eth.send_raw_transaction(signed.raw_transaction)
        self.assertEqual(sent, signed.hash)
        return eth.wait_for_transaction_receipt(sent, poll_latency=0.02)

    def refused(self, code, method, *parameters):
        """Sends a request that the node refuses, and returns its error."""
        answer = self.w3.provider.make_request(method, list(parameters))
        self.assertEqual(answer["error"]["code"], code, answer)
        return answer["error"]["message"]

    def test_knows_the_chain(self):
        self.assertTrue(self.w3.is_connected())
        self.assertEqual(self.w3.eth.chain_id, self.node.chain_id)
        self.assertEqual(self.w3.net.version, str(self.node.chain_id))
        self.assertIn("devnet", self.w3.client_version)
        self.assertEqual(self.w3.eth.accounts[0], self.issuer.address)
        self.assertFalse(self.w3.eth.syncing)

    def test_calls_what_it_deployed(self):
        functions = self.token.functions
        self.assertEqual(functions.symbol().call(), "EXA")
        self.assertEqual(functions.decimals().call(), 18)
        self.assertTrue(functions.hasRole(bytes(32), self.issuer.address).call())
        self.assertTrue(self.w3.eth.get_code(self.token.address).startswith(bytes.fromhex("eff00200")))

    def test_blocks_transactions_and_receipts_agree(self):
        receipt = send(self.w3, self.token.functions.setGroupRule(8, 8, 1))
        block = self.w3.eth.get_block(receipt.blockNumber, full_transactions=True)
        self.assertEqual(block, self.w3.eth.get_block(receipt.blockHash, full_transactions=True))
        self.assertEqual(self.w3.eth.get_block(block.number - 1).hash, block.parentHash)
        [transaction] = block.transactions
        self.assertEqual(transaction, self.w3.eth.get_transaction(receipt.transactionHash))
        self.assertEqual((transaction["from"], transaction.to), (self.issuer.address, self.token.address))
        self.assertEqual((receipt["from"], receipt.to), (self.issuer.address, self.token.address))
        self.assertEqual(receipt.transactionIndex, 0)
        self.assertEqual(block.gasUsed, receipt.gasUsed)
        self.assertEqual(receipt.cumulativeGasUsed, receipt.gasUsed)
        self.assertIsNone(receipt.contractAddress)
        [log] = receipt.logs
        self.assertEqual((log.blockHash, log.logIndex, log.address), (block.hash, 0, self.token.address))

    def test_sends_with_the_fees_of_eip_1559(self):
        base = self.w3.eth.get_block("latest").baseFeePerGas
        value = 10**15
        before = self.w3.eth.get_balance(self.stranger.address)
        fees = {"maxFeePerGas": base + 2 * GWEI, "maxPriorityFeePerGas": GWEI}
        receipt = self.sign_and_send(self.issuer, {"to": self.stranger.address, "value": value, "gas": 100_000, **fees})
        transaction = self.w3.eth.get_transaction(receipt.transactionHash)
        self.assertEqual((transaction.type, receipt.type), (2, 2))
        self.assertEqual({name: transaction[name] for name in fees}, fees)
        block = self.w3.eth.get_block(receipt.blockNumber)
        self.assertLessEqual(block.baseFeePerGas, receipt.effectiveGasPrice)
        self.assertLessEqual(receipt.effectiveGasPrice, fees["maxFeePerGas"])
        self.assertEqual(self.w3.eth.get_balance(self.stranger.address), before + value)
        earlier = self.w3.eth.get_balance(self.stranger.address, block.number - 1)
        self.assertEqual(earlier, before)

    def test_sends_older_kinds_of_transactions(self):
        price = self.w3.eth.gas_price + GWEI
        common = {"to": self.stranger.address, "value": 1, "gas": 100_000, "gasPrice": price}
        access_list = [{"address": self.stranger.address, "storageKeys": ["0x" + "00" * 32]}]
        for kind, more in [(0, {}), (1, {"accessList": access_list})]:
            receipt = self.sign_and_send(self.issuer, {**common, **more})
            transaction = self.w3.eth.get_transaction(receipt.transactionHash)
            self.assertEqual((receipt.status, transaction.type, transaction.gasPrice), (1, kind, price))

    def test_knows_the_history_of_fees(self):
        history = self.w3.eth.fee_history(2, "latest", [25, 75])
        self.assertEqual(len(history.baseFeePerGas), 3)
        self.assertEqual([len(rewards) for rewards in history.reward], [2, 2])
        self.assertTrue(all(0 <= ratio <= 1 for ratio in history.gasUsedRatio))
        self.assertEqual(history.oldestBlock, self.w3.eth.block_number - 1)
        self.assertGreaterEqual(self.w3.eth.max_priority_fee, 0)

    def test_finds_events_of_the_past(self):
        send(self.w3, self.token.functions.setGroupRule(3, 1, 1))
        receipt = send(self.w3, self.token.functions.setGroupRule(4, 1, 7))
        events = self.token.events.GroupRuleSet().get_logs(from_block=0, argument_filters={"fromGroup": 4})
        self.assertEqual([event.transactionHash for event in events], [receipt.transactionHash])
        self.assertEqual(events[0].args, {"fromGroup": 4, "toGroup": 1, "opensAt": 7})

    def test_watches_events_with_a_filter(self):
        rules = self.token.events.GroupRuleSet()
        watch = rules.create_filter(from_block="latest", argument_filters={"fromGroup": 5})
        blocks = self.w3.eth.filter("latest")
        self.assertEqual(watch.get_new_entries(), [])
        send(self.w3, self.token.functions.setGroupRule(6, 2, 1))
        receipt = send(self.w3, self.token.functions.setGroupRule(5, 2, 1))
        [event] = watch.get_new_entries()
        self.assertEqual((event.transactionHash, event.args.toGroup), (receipt.transactionHash, 2))
        self.assertEqual(watch.get_new_entries(), [])
        self.assertEqual(blocks.get_new_entries()[-1], receipt.blockHash)
        self.assertTrue(self.w3.eth.uninstall_filter(watch.filter_id))
        self.refused(-32000, "eth_getFilterChanges", watch.filter_id)

    def test_is_told_of_blocks_and_logs_over_a_websocket(self):
        rule = self.token.functions.setGroupRule(7, 7, 7)

        async def listen():
            async with AsyncWeb3(WebSocketProvider(self.node.ws_url)) as socket:
                heads = await socket.eth.subscribe("newHeads")
                logs = await socket.eth.subscribe("logs", {"address": self.token.address})
                receipt = await asyncio.to_thread(send, self.w3, rule)
                heard = {}
                async for message in socket.socket.process_subscriptions():
                    heard[message["subscription"]] = message["result"]
                    if len(heard) == 2:
                        break
                self.assertTrue(await socket.eth.unsubscribe(heads))
                return receipt, heard[heads], heard[logs]

        receipt, head, log = asyncio.run(asyncio.wait_for(listen(), 60))
        self.assertEqual((head.number, head.hash), (receipt.blockNumber, receipt.blockHash))
        self.assertEqual(log.transactionHash, receipt.transactionHash)
        event = self.token.events.GroupRuleSet().process_log(log)
        self.assertEqual(event.args, {"fromGroup": 7, "toGroup": 7, "opensAt": 7})

    def test_decodes_a_custom_error(self):
        mint = self.token.functions.mint(self.stranger.address, 1)
        sender = {"from": self.stranger.address}
        for attempt in (mint.call, mint.estimate_gas):
            with self.assertRaises(ContractCustomError) as raised:
                attempt(sender)
            name, arguments = custom_error(ABI, raised.exception.data)
            self.assertEqual(name, "AccessControlUnauthorizedAccount")
            issuer = self.w3.keccak(text="ISSUER_ROLE")
            self.assertEqual(arguments, (self.stranger.address.lower(), issuer))

    def test_includes_a_transaction_that_reverts(self):
        mint = self.token.functions.mint(self.stranger.address, 1)
        before = self.token.functions.totalSupply().call()
        fees = {"maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": 0}
        call = {"to": self.token.address, "data": mint._encode_transaction_data(), "gas": 1_000_000}
        receipt = self.sign_and_send(self.stranger, {**call, **fees})
        self.assertEqual((receipt.status, receipt.logs), (0, []))
        self.assertGreater(receipt.gasUsed, 21_000)
        self.assertEqual(self.token.functions.totalSupply().call(), before)

    def test_calls_with_another_state(self):
        where = self.w3.to_checksum_address("0x" + "ab" * 20)
        caller = self.stranger.address
        overrides = {
            where: {"code": PROBE, "stateDiff": {"0x" + "00" * 32: "0x" + "00" * 31 + "2a"}},
            caller: {"balance": 77},
        }
        call = {"from": caller, "to": where, "gas": 1_000_000}
        answer = self.w3.eth.call(call, "latest", overrides)
        words = int.from_bytes(answer[:32], "big"), int.from_bytes(answer[32:], "big")
        self.assertEqual(words, (77, 42))
        self.assertEqual(self.w3.eth.call(call), b"")
        self.assertEqual(self.w3.eth.get_code(where), b"")

    def test_says_when_there_is_no_such_thing(self):
        with self.assertRaises(BlockNotFound):
            self.w3.eth.get_block(10**9)
        with self.assertRaises(BlockNotFound):
            self.w3.eth.get_block("0x" + "11" * 32)
        with self.assertRaises(TransactionNotFound):
            self.w3.eth.get_transaction("0x" + "11" * 32)
        with self.assertRaises(TransactionNotFound):
            self.w3.eth.get_transaction_receipt("0x" + "11" * 32)

    def test_refuses_bad_input(self):
        self.refused(-32601, "eth_nonsense")
        self.refused(-32602, "eth_getBalance", "0x12", "latest")
        self.refused(-32602, "eth_getBlockByNumber", "soon", False)
        self.refused(-32602, "eth_sendRawTransaction", "0xzz")
        transfer = {
            "to": self.stranger.address, "value": 1, "gas": 21_000, "chainId": self.node.chain_id,
            "nonce": self.w3.eth.get_transaction_count(self.issuer.address), "gasPrice": 10 * GWEI,
        }
        for change, words in [
            ({"nonce": 0}, "nonce too low"),
            ({"chainId": 1}, "chain"),
            ({"value": 10**30}, "insufficient funds"),
            ({"gas": 20_000}, "intrinsic gas"),
            ({"gasPrice": 1}, "fee"),
        ]:
            signed = self.issuer.sign_transaction({**transfer, **change})
            with self.subTest(words), self.assertRaisesRegex(Web3RPCError, words):
                self.w3.eth.send_raw_transaction(signed.raw_transaction)


if __name__ == "__main__":
    unittest.main()
