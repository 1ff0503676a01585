"""What a client hears of an order, held against sequences captured from real gateways.

The tables are those captures (or, where none exists, what users report), message by message with the fields that
matter; they are not made by our own encoder. A field that is not named may be anything.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.gateway_sim.by_hand import A_WHILE_S, Desk, by_hand
from tests.gateway_sim.wire_client import opened_status, place

Message = tuple[str, dict[str, str]]
UNSET = "1.7976931348623157E308"
EXEC_ID = r"[0-9a-f]{8}\.[0-9a-f]{8}\.01\.01"


def opened(status: str, **fields: str) -> Message:
    return "openOrder", {"status": status, **fields}


def status(word: str, filled: str = "0", remaining: str = "100", **fields: str) -> Message:
    return "orderStatus", {"status": word, "filled": filled, "remaining": remaining, **fields}


def executed(shares: str, total: str, average: str) -> Message:
    fields = {"reqId": "-1", "shares": shares, "cumQty": total, "avgPrice": average}
    return "execDetails", fields | {"execId": EXEC_ID}


def commission(realized: str = UNSET) -> Message:
    return "commissionReport", {"execId": EXEC_ID, "currency": "USD", "realizedPNL": realized}


def error(code: str, text: str = "") -> Message:
    return "error", {"code": code, "text": re.escape(text) + ".*" if text else ".*"}


# Where the named fields stand in each message, as the captured frames have them.
PLACES: dict[str, tuple[str, dict[str, int]]] = {
    "openOrder": (
        "5", {"orderId": 1, "action": 13, "quantity": 14, "type": 15, "limit": 16, "ocaType": 53, "whatIf": 92},
    ),
    "orderStatus": (
        "3", {"orderId": 1, "status": 2, "filled": 3, "remaining": 4, "average": 5, "parentId": 7, "whyHeld": 10},
    ),
    "execDetails": ("11", {"reqId": 1, "orderId": 2, "execId": 14, "shares": 19, "cumQty": 24, "avgPrice": 25}),
    "commissionReport": ("59", {"execId": 2, "currency": 4, "realizedPNL": 5}),
    "error": ("4", {"orderId": 2, "code": 3, "text": 4}),
}  # fmt: skip
NAMES = {number: name for name, (number, _) in PLACES.items()}

ACCEPTED = [opened("PreSubmitted"), status("PreSubmitted")]
RESTS = [*ACCEPTED, opened("Submitted"), status("Submitted")]
ALL = [
    executed("100", "100", "100.02"),
    opened("Filled"),
    status("Filled", "100", "0", average="100.02"),
    commission(),
]
INVALID = "Error validating request.-'bF' : cause - Invalid order type was entered"
CANCELED = "Order Canceled - reason:"

# Steps: an order (a dict; `id` 1 unless given), a cancel (an order id), a quote (keywords of Desk.show in a tuple).
Step = dict[str, Any] | int | tuple[tuple[str, Any], ...]
LMT, CHILD = {"lmtPrice": 100.01}, {"action": "SELL", "parentId": 1}

SEQUENCES: dict[str, list[tuple[Step, list[Message]]]] = {
    "market order": [({}, [*ACCEPTED, *ALL])],
    "limit order rests and is cancelled": [
        (LMT, RESTS),
        (1, [status("PendingCancel"), status("Cancelled"), error("202", CANCELED)]),
    ],
    "partial fills, then a cancel": [
        (LMT, RESTS),
        (
            (("trade", (100.00, 30)),),
            [executed("30", "30", "100.01"), status("Submitted", "30", "70"), commission()],
        ),
        (
            (("trade", (100.00, 20)),),
            [executed("20", "50", "100.01"), status("Submitted", "50", "50"), commission()],
        ),
        (1, [status("PendingCancel", "50", "50"), status("Cancelled", "50", "50"), error("202", CANCELED)]),
    ],
    "refused by the gateway": [
        (
            {"orderType": "bF"},
            [error("321", INVALID)],
        ),
    ],
    "refused by the gateway for its price": [
        (
            {"lmtPrice": 100.001},
            [error("110", "The price does not conform to the minimum price variation for this contract.")],
        ),
    ],
    "refused by the broker": [
        (
            {"quantity": 50_000},
            [
                error("201", "Order rejected - reason:"),
                opened("Inactive"),
                status("Inactive", "0", "50000"),
            ],
        ),
    ],
    "immediate, and nothing to be had": [
        (
            {**LMT, "tif": "IOC"},
            [*ACCEPTED, status("PendingCancel"), status("Cancelled"), error("202", CANCELED)],
        ),
    ],
    "stop rests": [
        (
            {"orderType": "STP", "auxPrice": 101.0},
            [opened("PreSubmitted", type="STP"), status("PreSubmitted", whyHeld="trigger")],
        ),
    ],
    "bracket": [
        ({**LMT, "transmit": False}, []),
        ({**CHILD, "id": 2, "lmtPrice": 102.0, "transmit": False}, []),
        (
            {**CHILD, "id": 3, "orderType": "STP", "auxPrice": 99.0},
            [
                opened("PreSubmitted", orderId="1"),
                status("PreSubmitted", orderId="1", whyHeld=""),
                opened("PreSubmitted", orderId="2", ocaType="3"),
                status("PreSubmitted", orderId="2", parentId="1", whyHeld="child"),
                opened("PreSubmitted", orderId="3"),
                status("PreSubmitted", orderId="3", parentId="1", whyHeld="child,trigger"),
                opened("Submitted", orderId="1"),
                status("Submitted", orderId="1"),
            ],
        ),
    ],
    "not transmitted": [({"transmit": False}, []), (1, [status("Cancelled"), error("202", CANCELED)])],
    "modified": [
        (LMT, RESTS),
        (
            {"lmtPrice": 100.00, "quantity": 120},
            [opened("Submitted", limit="100.0", quantity="120"), status("Submitted", "0", "120")],
        ),
    ],
    "modified when it was filled": [({}, [*ACCEPTED, *ALL]), ({"quantity": 200}, [error("104")])],
    "cancelled when it was filled": [
        ({}, [*ACCEPTED, *ALL]),
        (1, [error("10148", "OrderId 1 that needs to be cancelled can not be cancelled, state: Filled.")]),
    ],
    "cancel of an order there is not": [
        (7, [error("10147", "OrderId 7 that needs to be cancelled is not found.")]),
    ],
    "child of an order there is not": [({"parentId": 9}, [error("10006", "Missing parent order.")])],
    "what if": [({"whatIf": True}, [opened("PreSubmitted", whatIf="1")])],
    "closing trade": [
        ({}, [*ACCEPTED, *ALL]),
        (
            {"id": 2, "action": "SELL"},
            [
                *ACCEPTED,
                executed("100", "100", "100.0"),
                opened("Filled"),
                status("Filled", "100", "0"),
                # two cents a share lost, a dollar of commission on each side
                commission(realized="-4.00"),
            ],
        ),
    ],
}


def matches(fields: list[str], expected: Message) -> bool:
    """Whether a frame is this message; ids by their form, the rest word for word."""
    name, wanted = expected
    number, places = PLACES[name]
    if fields[0] != number:
        return False
    found = {key: fields[at] for key, at in places.items()}
    if name == "openOrder":
        found["status"] = opened_status(fields)
    return all(
        re.fullmatch(value, found[key]) if key in {"execId", "text"} else found[key] == value
        for key, value in wanted.items()
    )


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_messages_come_as_captured(steps: list[tuple[Step, list[Message]]]) -> None:
    """Each in its turn, none missing, none more."""

    async def body(desk: Desk) -> None:
        for step, expected in steps:
            start = len(desk.client.frames)
            if isinstance(step, dict):
                order = {"quantity": 100, **step}
                desk.client.send(*place(order.pop("id", 1), **order))
            elif isinstance(step, int):
                desk.client.send(4, 1, step, "")
            else:
                desk.show(**dict(step))
            await desk.after(wait=A_WHILE_S)
            heard = [fields for fields in desk.client.frames[start:] if fields[0] in NAMES]
            assert len(heard) == len(expected), [(NAMES[fields[0]], fields[1:6]) for fields in heard]
            for fields, message in zip(heard, expected, strict=True):
                assert matches(fields, message), (message, fields)

    by_hand(body)


def test_a_commission_comes_late_and_in_a_message_of_its_own() -> None:
    """After the terminal status, milliseconds later: whoever stops listening then misses it."""

    async def body(desk: Desk) -> None:
        await desk.place(1)
        times = {fields[0]: at for fields, at in zip(desk.client.frames, desk.client.times, strict=True)}
        assert times["59"] > times["3"]

    by_hand(body)
