"""What served.py adds to requests: a fresh key to each one that changes something, and now and then an order signed by an
investor, which no generator would find.
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
    # Waiting for an event that never comes correctly ends with 503, so wait only for what is there.
    awaited = (case.query or {}).get("min_seq")
    if str(awaited).isdecimal() and int(awaited) > 1:
        case.query["min_seq"] = 1
    if case.method.upper() != "POST":
        return
    # A missing or empty key is left alone: it may be the point of the request.
    names = {name.lower() for name in case.headers or {}}
    if "idempotency-key" in names and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if case.operation.path == "/v1/orders" and next(POSTS) % 4 == 0:
        case.body = next(ORDERS)
