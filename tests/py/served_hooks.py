"""What served.py adds to a request: a key of its own to each that changes something, and now and then an order that an
investor signed, which no generator would find.
"""

import itertools
import json
import os
import uuid
from pathlib import Path

import schemathesis

ORDERS = itertools.cycle(json.loads(Path(os.environ["SERVED_ORDERS"]).read_text()))
POSTS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    # Waiting for an event that never comes ends with 503, as it should: what is waited for here is there.
    awaited = (case.query or {}).get("min_seq")
    if str(awaited).isdecimal() and int(awaited) > 1:
        case.query["min_seq"] = 1
    if case.method.upper() != "POST":
        return
    # An explicit one that the generator made is left alone: it may be the point of the request.
    names = {name.lower() for name in case.headers or {}}
    if "idempotency-key" in names and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if case.operation.path == "/v1/orders" and next(POSTS) % 4 == 0:
        case.body = next(ORDERS)
