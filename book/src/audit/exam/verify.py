#!/usr/bin/env python3
"""Checks an exam pack. Needs Python 3.9 and nothing else:

    python3 verify.py [PACK] [--rpc URL]

Without --rpc it shows that the pack agrees with itself: checksums, the chain of hashes, the Merkle root, and every row of
every table against the events. With the URL of any node of the chain it also shows that the root, the trades and the acts
are on that chain. Signatures are not checked here: `orderbook audit verify` does that. Exit code 0 if all holds, else 1.
"""
import csv, hashlib, json, os, re, sys, urllib.request
from datetime import datetime, timedelta, timezone

ANCHORED = "0x06b14bdd10af0c6b3d1ad1db6016448250f318afe4a99a5babd5760789cc9933"  # BookAnchored(bytes32,uint64,address)
SETTLED = "0xc49b89ce52e6bfb1d078f3266cd8b3781c67aec63c14ad0927303d5fbf5f8dc8"  # Settled(uint256,bytes32,bytes32,...)
ZERO, FORMULA = "0x" + 40 * "0", "=+-@\t\r\uff1d\uff0b\uff0d\uff20"


class Bad(Exception):
    """What does not hold."""


def need(holds, *words):
    if not holds:
        raise Bad(" ".join(str(word) for word in words))


def unique(pairs):
    need(len({name for name, _ in pairs}) == len(pairs), "a JSON member appears twice:", [name for name, _ in pairs])
    return dict(pairs)


def parsed(text):
    return json.loads(text, object_pairs_hook=unique)


def lines(pack, name):
    with open(os.path.join(pack, name), encoding="utf-8", newline="\n") as file:
        for line in file:
            need(line.endswith("\n"), name, "ends in the middle of a line")
            yield line[:-1]


def table(pack, name):
    """Rows as dictionaries; the apostrophe in front of what a spreadsheet would take for a formula is undone."""
    with open(os.path.join(pack, name), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            need(None not in row and None not in row.values(), name, "has a row of a different length:", row)
            plain = lambda cell: cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in FORMULA and cell.strip("'") else cell
            yield {column: plain(cell) for column, cell in row.items()}


def same(name, where, row, wanted):
    """Addresses and hashes count without regard to capitals."""
    fold = lambda cell: cell.lower() if cell.startswith("0x") else cell
    need(row is not None, name, "does not have", where)
    for column, cell in wanted.items():
        need(fold(row[column]) == fold(cell), name, where, "column", column, "is", repr(row[column]), "not", repr(cell))
    need(set(row) == set(wanted), name, "has other columns:", set(row) ^ set(wanted))


def agree(name, rows, wanted):
    for number, cells in enumerate(wanted, 1):
        same(name, f"row {number}", next(rows, None), cells)
    need(next(rows, None) is None, name, "has more rows than events")


def checksums(pack):
    text = open(os.path.join(pack, "SHA256SUMS"), "rb").read().decode("ascii")
    listed = [re.fullmatch(r"([0-9a-f]{64})  ([\w./-]+)", line) for line in text.split("\n")[:-1]]
    need(text.endswith("\n") and all(listed), "SHA256SUMS is not a list of checksums")
    names = [entry[2] for entry in listed]
    need(names == sorted(set(names)), "SHA256SUMS lists a file twice or out of order")
    found = [os.path.relpath(os.path.join(root, file), pack) for root, _, files in os.walk(pack) for file in files]
    need(sorted(found) == sorted(names + ["SHA256SUMS"]), "files missing or unexpected:", set(found) ^ {*names, "SHA256SUMS"})
    for entry in listed:
        digest = hashlib.sha256()
        with open(os.path.join(pack, entry[2]), "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        need(digest.hexdigest() == entry[1], entry[2], "does not match its checksum")
    return hashlib.sha256(text.encode()).hexdigest()


def roots(hashes, sizes):
    """The Merkle roots (RFC 6962) over the first n hashes, for each n in sizes."""
    node, peaks, found = lambda left, right: hashlib.sha256(b"\1" + left + right).digest(), [], {}
    for count, value in enumerate(hashes, 1):
        top, rest = hashlib.sha256(b"\0" + value).digest(), count
        while rest % 2 == 0:
            top, rest = node(peaks.pop(), top), rest // 2
        peaks.append(top)
        if count in sizes:
            for left in reversed(peaks[:-1]):
                top = node(left, top)
            found[count] = "0x" + top.hex()
    return found


def micros(text):
    """Microseconds of a time in the manifest; anything finer is cut off."""
    whole, _, part = text.rstrip("Z").partition(".")
    return (datetime.fromisoformat(whole) - datetime(1970, 1, 1)) // timedelta(microseconds=1) + int((part + "000000")[:6])


def shown(at):
    second, part = divmod(at, 1_000_000)
    part = f".{part:06}".rstrip("0").rstrip(".")
    return (datetime(1970, 1, 1) + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S") + part + "Z"


def seconds(at):
    return shown(at * 1_000_000) if at <= 253_402_207_200 else f"@{at}"


def plain(value, decimals):
    digits = str(value).rjust(decimals + 1, "0")
    cut = len(digits) - decimals
    return (digits[:cut] + "." + digits[cut:].rstrip("0")).rstrip(".")


def price(total, body):
    scaled = total * 10 ** (12 + body["decimals"]) // int(body["quantity"])
    whole, part = divmod(scaled, 10**18)
    return f"{whole}.{f'{part:018}'.rstrip('0').ljust(2, '0')}" if 0 < scaled < 2**128 else ""


class Log:
    """The events of the pack, each with its place among the hashes of the whole log."""

    def __init__(self, pack, manifest):
        stated, period = manifest["log"], manifest["period"]
        hashes = [line for line in lines(pack, "hashes.txt") if need(re.fullmatch("[0-9a-f]{64}", line), "hashes.txt:", line) or True]
        need(len(hashes) == stated["size"] and "0x" + hashes[-1] == stated["hash"], "hashes.txt is of another log")
        self.pack, self.rare, self.by_type, self.ends, self.matches, posted = pack, {}, {}, {}, {}, set()
        first, last, before, at = period["first_event"], period["last_event"], 0, 0
        begin, end = (micros(period[name]) if period[name] else None for name in ("from", "to"))
        inside = lambda time: (begin is None or time >= begin) and (end is None or time <= end)
        self.inside = inside
        for event in self.events():
            seq = event["seq"]
            digest = hashlib.sha256(json.dumps({k: v for k, v in event.items() if k != "hash"}, sort_keys=True,
                separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
            need(before < seq <= len(hashes) and digest == hashes[seq - 1], "event", seq, "is not the one in the log")
            need(event["hash"] == "0x" + digest and event["prev"] == "0x" + (hashes[seq - 2] if seq > 1 else 64 * "0"),
                "event", seq, "is not chained to the one before it")
            need(event["captured_at"] >= at and inside(event["captured_at"]) == (first <= seq <= last),
                "event", seq, "is on the wrong side of the period")
            need(not first <= seq <= last or seq == max(first, before + 1), "an event before", seq, "is missing")
            before, at = seq, event["captured_at"]
            if event["type"] == "order_posted":
                continue
            self.by_type.setdefault(event["type"], []).append(event)
            body, subject = event["body"], event["subject"]
            if event["type"] == "match_proposed":
                for order in (body["bid"], body["ask"]):
                    self.matches.setdefault(order, []).append(event)
            if event["type"] == "match_approved":
                self.rare[subject] = event
            for order in {"order_cancelled": [subject], "settlement_settled": [body.get("bid"), body.get("ask")]}.get(event["type"], []):
                self.ends[order] = event
        need(last < first or before >= last, "events at the end of the period are missing")
        self.trades = [event for event in self.by_type.get("settlement_settled", []) if inside(event["occurred_at"])]
        self.due = {event["subject"] for event in self.by_type.get("order_cancelled", []) if inside(event["captured_at"])}
        self.due |= {event["body"][side] for event in self.trades if "match_id" in event["body"] for side in ("bid", "ask")}
        sizes = {stated["size"]} | {event["body"]["size"] for event in self.by_type.get("book_anchored", [])}
        found = roots(map(bytes.fromhex, hashes), sizes)
        need(found[stated["size"]] == stated["root"], "the hashes do not lead to the root of the manifest")
        for event in self.by_type.get("book_anchored", []):
            need(found.get(event["body"]["size"]) == event["body"]["root"], "event", event["seq"], "anchored a different root")

    def events(self):
        return map(parsed, lines(self.pack, "events.jsonl"))


def signature(signed, *names):
    return {name: signed.get(key, "") if signed else "" for name, key in zip(names, ("wallet", "signature", "file"))}


def ticket(log, event):
    body, end = event["body"], log.ends.get(event["subject"])
    cancelled = end if end and end["type"] == "order_cancelled" else None
    filled = end if end and not cancelled else None
    proposed = [found for found in log.matches.get(event["subject"], [])
        if not filled or filled["body"].get("match_id") == found["subject"]][-1:]
    proposed = proposed[0] if proposed else None
    approved = log.rare.get(proposed["subject"]) if proposed else None
    person = lambda name, noun, found: {name + "_by": found["actor"], name + "_at": shown(found["captured_at"]),
        noun + "_reason": found["reason"]} if found else {name + "_by": "", name + "_at": "", noun + "_reason": ""}
    blank = lambda wallet: "" if wallet == ZERO else wallet
    total = int(filled["body"]["total"]) if filled else 0
    return {"order": event["subject"], "board_ref": body["board_ref"],
        "state": "CANCELLED" if cancelled else "FILLED" if filled else "OPEN", "symbol": body["symbol"], "isin": body["isin"],
        "token": body["security"], "side": body["side"], "quantity": plain(body["quantity"], body["decimals"]),
        "quantity_base_units": body["quantity"], "price_usd": body["price"], "limit_total_base_units": body["limit_total"],
        "expires_at": seconds(body["expiry"]), "epoch": str(body["epoch"]), "counterparty": blank(body["counterparty"]),
        "owner": body["owner"], "account": body["account"], "capacity": body["capacity"],
        "solicited": str(body["solicited"]).lower(), "received_at": shown(event["occurred_at"]),
        "entered_at": shown(event["captured_at"]), "entered_by": event["actor"], "accepted_by": body["taken_by"],
        **signature(body.get("signed"), "entry_wallet", "entry_signature", "entry_file"), "owner_signature": body["signature"],
        "executed_at": shown(filled["occurred_at"]) if filled else "",
        "execution_price_usd": price(total, body) if filled else "", "execution_total_base_units": str(total) if filled else "",
        "settlement_id": filled["body"]["settlement_id"] if filled else "", "execution_tx": filled["body"]["tx_hash"] if filled else "",
        "cancelled_at": shown(cancelled["occurred_at"]) if cancelled else "", "cancelled_by": cancelled["actor"] if cancelled else "",
        "cancel_reason": cancelled["reason"] if cancelled else "", "cancel_tx": cancelled["body"].get("tx_hash", "") if cancelled else "",
        **signature(cancelled and cancelled["body"].get("signed"), "cancel_wallet", "cancel_signature"),
        "match": proposed["subject"] if proposed else "", **person("proposed", "proposal", proposed),
        **person("approved", "approval", approved),
        **signature(approved and approved["body"].get("signed"), "approval_wallet", "approval_signature"),
        "approval_signed_at": seconds(approved["body"]["signed"]["time"]) if approved and "signed" in approved["body"] else "",
        "posted_seq": str(event["seq"]), "closed_seq": str(end["seq"]) if end else ""}


def tickets(pack, log):
    """Every ticket against its events; the orders of the trades are kept for the blotter."""
    rows, kept, traded = table(pack, "tickets.csv"), {}, {event["body"][side] for event in log.trades for side in ("bid", "ask")}
    for event in log.events():
        if event["type"] == "order_posted":
            same("tickets.csv", event["subject"], next(rows, None), ticket(log, event))
            log.due.discard(event["subject"])
            if event["subject"] in traded:
                kept[event["subject"]] = event["body"]
    need(next(rows, None) is None and not log.due, "tickets.csv has unexpected tickets, or is missing those of", log.due)
    return kept


def blotter(pack, log, manifest, orders):
    rates = [(rate["from"], rate["bips"]) for rate in manifest["commissions"]]
    try:
        from zoneinfo import ZoneInfo
        zone = ZoneInfo(manifest["period"]["zone"])
    except Exception:
        zone = None
        print("note: this machine has no time zone data: trade days and commissions in blotter.csv are not checked")
    wanted, sum_of, rows = [], 0, list(table(pack, "blotter.csv"))
    for event, row in zip(log.trades, rows):
        body, total = event["body"], int(event["body"]["total"])
        bid, ask = orders.get(body["bid"]), orders.get(body["ask"])
        either, sum_of = bid or ask, sum_of + total
        utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=event["occurred_at"])
        day = str(utc.astimezone(zone).date()) if zone else row["trade_day"]
        bips = ([0] + [bips for start, bips in rates if start <= day])[-1]
        cells = {"settlement_id": body["settlement_id"], "settled_at": shown(event["occurred_at"]), "trade_day": day,
            "symbol": either["symbol"] if either else "", "isin": either["isin"] if either else "",
            "quantity": plain(either["quantity"], either["decimals"]) if either else "",
            "price_usd": price(total, either) if either else "", "total_usd": plain(total, 6), "total_base_units": str(total),
            "bid": body["bid"], "ask": body["ask"], "tx_hash": body["tx_hash"], "block": str(body["block"])}
        for side, order in (("buyer", bid), ("seller", ask)):
            due = plain(total * bips // 10_000 if order["capacity"] == "agency" else 0, 6) if order else ""
            cells.update({side: order["owner"] if order else "", side + "_account": order["account"] if order else "",
                side + "_capacity": order["capacity"] if order else "",
                side + "_commission_usd": due if zone else row[side + "_commission_usd"]})
        wanted.append(cells)
    last = dict.fromkeys(rows[-1], "") if rows else {}
    sums = {"settlement_id": f"{len(wanted)} trades", "total_usd": plain(sum_of, 6), "total_base_units": str(sum_of)}
    agree("blotter.csv", iter(rows), wanted + [{**last, **sums}])
    need(len(log.trades) == manifest["trades"] == len(wanted), "the manifest counts a different number of trades")
    return wanted


def confirmations(pack, log, rows):
    """The facts of each confirmation against the blotter; the pages beside them are bound by their checksums alone."""
    wanted = set()
    for event, row in zip(log.trades, rows):
        for side in ("buyer", "seller"):
            if row[side + "_account"]:
                name = f"{row['settlement_id']}-{side}"
                wanted |= {name + ".html", name + ".json"}
                facts = parsed(open(os.path.join(pack, "confirmations", name + ".json"), encoding="utf-8").read())
                time, on_chain, record = facts["time"], facts["transaction"], facts["record"]
                need((facts["action"], facts["customer"]["account"], facts["customer"]["wallet"].lower(), facts["quantity"],
                    facts["price_usd"], facts["total_base_units"], facts["capacity"], facts["security"]["isin"], time["trade_day"],
                    time["executed_at"], on_chain["tx_hash"], on_chain["block"], record["seq"], record["hash"]) == (
                    "bought" if side == "buyer" else "sold", row[side + "_account"], row[side].lower(), row["quantity"],
                    row["price_usd"], row["total_base_units"], row[side + "_capacity"], row["isin"], row["trade_day"],
                    row["settled_at"], row["tx_hash"], event["body"]["block"], event["seq"], event["hash"]),
                    "confirmation", name, "does not say the same as the blotter")
    need(set(os.listdir(os.path.join(pack, "confirmations"))) == wanted, "confirmations missing or unexpected")


def staff(log):
    for event in sorted(log.by_type.get("staff_changed", []) + log.by_type.get("signing_demanded", []), key=lambda e: e["seq"]):
        body, change = event["body"], event["body"].get("change", {"what": "signing_demanded"})
        roles = ["admin"] if change["what"] == "admin_named" else change.get("roles", [change["role"]] if "role" in change else [])
        yield {"seq": str(event["seq"]), "recorded_at": shown(event["captured_at"]), "change": change["what"],
            "person": change.get("person", ""), "crd": str(change.get("crd", "")), "roles": " ".join(roles),
            "wallet": change.get("wallet", ""), "signed_by": event["actor"] if body.get("signed") else "",
            "reason": event["reason"], "change_id": body.get("id", ""),
            **signature(body.get("signed"), "signing_wallet", "signature"),
            **signature(body.get("second"), "second_wallet", "second_signature")}


def small(pack, log):
    agree("staff.csv", table(pack, "staff.csv"), staff(log))
    head = lambda event: {"seq": str(event["seq"]), "recorded_at": shown(event["captured_at"])}
    agree("access.csv", table(pack, "access.csv"), ({**head(event), "rows": str(event["body"]["rows"]),
        "sha256": event["body"]["sha256"], "closed_by": event["actor"]} for event in log.by_type.get("access_closed", [])))
    agree("anchors.csv", table(pack, "anchors.csv"), ({**head(event), "events": str(event["body"]["size"]),
        "root": event["body"]["root"], "tx": event["body"]["tx_hash"], "block": str(event["body"]["block"])}
        for event in log.by_type.get("book_anchored", [])))


def word(kind, value):
    number = int(value, 16)
    return {"address": "0x" + value[-40:], "bool": str(number == 1).lower(), "bytes32": value}.get(kind, str(number))


def acts(pack, manifest):
    """The decoded cells of each act against its raw log."""
    found, known, roles = [], {entry["address"]: entry for entry in manifest["chain"]["contracts"]}, manifest["chain"]["roles"]
    for name in ("coin.csv", "compliance.csv", "roles.csv"):
        for row in table(pack, name):
            contract, topics, data = known[row["contract"].lower()], row["topics"].split(" "), row["data"][2:]
            entry = contract["events"][topics[0]]
            words, rest = ["0x" + data[at:at + 64] for at in range(0, len(data), 64)], topics[1:]
            values = {part: word(kind, (rest if indexed else words).pop(0)) for part, kind, indexed in entry["inputs"]}
            first = lambda *parts: next((values[part] for part in parts if part in values and (part, values[part]) != ("from", ZERO)), "")
            reason = first("reason", "orderReference", "bankReference", "evidence")
            text = bytes.fromhex(reason[2:]).rstrip(b"\0")
            reason = text.decode() if text and all(32 <= byte < 127 for byte in text) else reason
            if "role" in values:
                values["role"] = roles.get(values["role"], values["role"])
            cells = {"event": entry["event"], "name": contract["name"], "reason": reason,
                "account": first("account", "wallet", "holder", "lost", "newAdmin", "oldMinter", "burner", "security",
                    "token", "owner", "from", "to", "minter"),
                "amount_base_units": first("value", "amount", "reserves", "minterAllowedAmount", "unvested"),
                "by": first("by", "sender", "minter", "attestor"),
                "particulars": "; ".join(f"{part}={value}" for part, value in values.items())}
            need(not rest and not words and entry["table"] == name, name, "has an act that does not decode:", row)
            need({column: row[column].lower() for column in cells} == {column: cell.lower() for column, cell in cells.items()},
                name, "says of transaction", row["tx"], row, "not", cells)
            found.append((row["contract"].lower(), int(row["block"]), int(row["log_index"]), row["tx"], topics, row["data"]))
            manifest["chain"].setdefault("sent", set()).add((row["tx"], row["sent_by"].lower(), row["time"], row["block"]))
    return found


class Node:
    def __init__(self, url):
        self.url = url

    def ask(self, method, *parameters):
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.url, request, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        if "error" in answer:
            raise LookupError(answer["error"])
        return answer["result"]

    def logged(self, tx, contract, topics, data):
        receipt = self.ask("eth_getTransactionReceipt", tx)
        return receipt is not None and receipt["status"] == "0x1" and any(log["address"].lower() == contract
            and log["topics"][:len(topics)] == topics and data(log["data"]) for log in receipt["logs"])

    def logs(self, contract, topics, first, last):
        step, found = last - first + 1, []
        while first <= last:
            end = min(last, first + step - 1)
            try:
                found += self.ask("eth_getLogs", {"address": contract, "topics": [topics], "fromBlock": hex(first), "toBlock": hex(end)})
                first = end + 1
            except (LookupError, OSError):
                if step <= 1_000:
                    raise
                step = max(1_000, step // 8)
        return found


def on_chain(node, log, manifest, found):
    need(int(node.ask("eth_chainId"), 16) == manifest["chain_id"], "the node is for another chain")
    contract = manifest["contract"]
    for event in log.by_type.get("book_anchored", []):
        root, size = event["body"]["root"], event["body"]["size"]
        need(node.logged(event["body"]["tx_hash"], contract, [ANCHORED, root], lambda data: int(data, 16) == size),
            "the chain has no anchor of", size, "events in transaction", event["body"]["tx_hash"])
    for event in log.trades:
        body = event["body"]
        topics = [SETTLED, f"0x{int(body['settlement_id']):064x}", body["bid"], body["ask"]]
        need(node.logged(body["tx_hash"], contract, topics, lambda data: int(data[2 + 4 * 64:2 + 5 * 64], 16) == int(body["total"])),
            "the chain has no settlement", body["settlement_id"], "in transaction", body["tx_hash"])
    if manifest["chain"]:
        logs = [(entry["address"], int(log["blockNumber"], 16), int(log["logIndex"], 16), log["transactionHash"], log["topics"], log["data"])
            for entry in manifest["chain"]["contracts"]
            for log in node.logs(entry["address"], list(entry["events"]), entry["first_block"], manifest["chain"]["block"])
            if entry["events"][log["topics"][0]]["event"] != "Transfer" or int(log["topics"][1], 16) == 0]
        need(sorted(logs) == sorted(found), "the tables of acts are missing some of the chain's, or have others:",
            [act for act in logs + found if act not in logs or act not in found][:3])
        times = {}
        for tx, sender, time, block in sorted(manifest["chain"].get("sent", ())):
            if block not in times:
                times[block] = seconds(int(node.ask("eth_getBlockByNumber", hex(int(block)), False)["timestamp"], 16))
            need((node.ask("eth_getTransactionReceipt", tx)["from"].lower(), times[block]) == (sender, time),
                "transaction", tx, "has a different sender or time")


def main(arguments):
    url = arguments.pop(arguments.index("--rpc") + 1) if "--rpc" in arguments else None
    pack = ([part for part in arguments if part != "--rpc"] + [os.path.dirname(os.path.abspath(__file__))])[0]
    digest = checksums(pack)
    manifest = parsed(open(os.path.join(pack, "MANIFEST.json"), encoding="utf-8").read())
    need(manifest["format"] == "orderbook-exam-pack/2", "the pack has format", manifest["format"])
    log = Log(pack, manifest)
    opened, house = log.by_type["book_opened"][0]["body"], manifest["broker_dealer"]
    need((opened["broker_dealer"], opened["crd"], opened["lei"], opened["chain_id"], opened["contract"], opened["payment"]) == (
        house["name"], house["crd"], house["lei"], manifest["chain_id"], manifest["contract"], manifest["coin"]),
        "the manifest and the log name different broker-dealers, contracts or chains")
    anchors = [event["body"] for event in log.by_type.get("book_anchored", [])]
    need(manifest["anchor"] == (anchors[-1] if anchors else None), "the manifest and the log name different anchors")
    rows = blotter(pack, log, manifest, tickets(pack, log))
    confirmations(pack, log, rows)
    small(pack, log)
    found = acts(pack, manifest) if manifest["chain"] else []
    if url:
        on_chain(Node(url), log, manifest, found)
    size, covered = manifest["log"]["size"], anchors[-1]["size"] if anchors else 0
    print(f"{house['name']}, CRD {house['crd']}: {len(rows)} trades; log of {size} events, root {manifest['log']['root']}")
    print(f"the chain {'was asked: it has' if url else 'was not asked (--rpc URL); the log says that it has'} the root over the first {covered} events")
    if covered < size:
        print(f"note: events {covered + 1} to {size} are newer than the last anchor")
    print("the list of checksums has SHA-256", digest)
    print("all holds")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Bad, LookupError, OSError, ValueError, TypeError, AttributeError, csv.Error) as error:
        sys.exit(f"BAD: {error or type(error).__name__}")
