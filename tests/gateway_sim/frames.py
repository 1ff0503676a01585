"""Real frames of every request there is, made from the request tables, and what can be done to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from algo_trade.gateway_sim.wire.decode import _steps
from algo_trade.gateway_sim.wire.framing import frame
from algo_trade.gateway_sim.wire.request_tables import CONDITIONS, REQUESTS, START_API

VERSIONS = (157, 160, 166, 170, 176, 177, 178)
# What clients write into a field; a field without an entry is left empty, as most are.
PLAUSIBLE: dict[str, Sequence[str]] = {
    "v": ("1", "2", "8"), "conId": ("756733", "320227571", "9579970", "0"), "symbol": ("SPY", "QQQ", ""),
    "secType": ("STK",), "strike": ("0.0", ""), "exchange": ("SMART", ""), "currency": ("USD",),
    "action": ("BUY", "SELL"), "totalQty": ("1", "10", "100"), "orderType": ("MKT", "LMT", "STP", "STP LMT"),
    "lmtPrice": ("1.0", "400.25", "900.0", ""), "auxPrice": ("", "400.0", "700.0"), "tif": ("DAY", "GTC", "IOC", "FOK"),
    "account": ("DSIM001", ""), "origin": ("0",), "transmit": ("1", "1", "1", "0"), "parentId": ("0", "1", "2"),
    "ocaGroup": ("", "", "g1"), "outsideRth": ("0", "1"), "whatIf": ("0", "0", "1"), "algoStrategy": ("", "Adaptive"),
    "kind": ("BidAsk", "MidPoint", "Last", "AllLast"), "count": ("0", "10"), "ignoreSize": ("0", "1"),
    "what": ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "SCHEDULE"), "format": ("1", "2"), "useRth": ("0", "1"),
    "barSize": ("1 min", "5 secs", "1 day", "5"), "duration": ("1 D", "600 S", "1 W", ""), "end": ("",),
    "keepUpToDate": ("0", "1"), "genericTicks": ("", "233", "100,101"), "snapshot": ("0", "1"),
    "subscribe": ("1", "0"), "group": ("All",), "tags": ("NetLiquidation,BuyingPower", "$LEDGER"), "type": ("1", "3"),
    "pattern": ("SP", "a"), "ruleId": ("26",), "clientId": ("0", "1"), "apiOnly": ("1", "0"), "rows": ("5",),
    "bind": ("1",), "deltaNeutralContract": ("0", "0", "1"), "hedgeType": ("", "", "D"), "ocaType": ("0", "1", "3"),
    "scalePriceIncrement": ("", "", "0.5"), "deltaNeutralOrderType": ("", "", "MKT"), "ledgerAndNlv": ("0", "1"),
}  # fmt: skip
ABSURD = (
    "", "0", "-1", "1", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "1e308", "-1e308",
    "1e-1000050", "1.7976931348623157E308", "NaN", "nan", "sNaN", "-Infinity", "Infinity", "9" * 309, "9" * 5000,
    "0x10", "1_000", " 1 ", "\u0661", "\ufeff", "\udcff\udcfe", "\\u0000", "true", "TRUE", "BAG", "OPT", "\n",
    "a" * 3000, "${jndi:x}", "--", ";;;", "20240101 10:00:00", "20240131-23:59:60", "99999999 99:99:99", "1 Y",
    "-5 D", "999999999 D", "1 secs",
)  # fmt: skip


def fields_of(message_id: int, version: int, generator: random.Random, order_id: int) -> list[str]:
    """A request as an honest client sends it, with whatever its conditions call for."""
    fields, places = [str(message_id)], dict[str, int]()
    steps = list(_steps(message_id, version))
    while steps:
        step = steps.pop(0)
        if step.condition:
            if CONDITIONS[step.condition](fields, places):
                steps = [*step.inner, *steps]
        elif step.width:
            rows = generator.randrange(3)
            places[step.names[0]] = len(fields)
            fields += [str(rows), *["adaptivePriority", "Normal"][: step.width] * rows]
        else:
            for name in step.names:
                places[name] = len(fields)
                fields.append(
                    str(order_id) if name == "_id" else generator.choice(PLAUSIBLE.get(name, ("",)))
                )
    return fields


def payload_of(fields: Sequence[str]) -> bytes:
    return "".join(f"{field}\0" for field in fields).encode("utf-8", "surrogateescape")


Change = Callable[[bytes, random.Random], bytes]


def _flip(payload: bytes, generator: random.Random) -> bytes:
    changed = bytearray(payload)
    for _ in range(generator.randint(1, 8)):
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _fields(change: Callable[[list[bytes], int, random.Random], None]) -> Change:
    def changed(payload: bytes, generator: random.Random) -> bytes:
        fields = payload.split(b"\0")
        for _ in range(generator.randint(1, 3)):
            # Mostly behind the message id, or what comes is mostly an unknown message.
            first = 1 if len(fields) > 1 and generator.randrange(8) else 0
            change(fields, generator.randrange(first, len(fields)), generator)
        return b"\0".join(fields) or b"\0"

    return changed


def _drop(fields: list[bytes], at: int, _: random.Random) -> None:
    if len(fields) > 1:
        del fields[at]


def _double(fields: list[bytes], at: int, _: random.Random) -> None:
    fields.insert(at, fields[at])


def _swap(fields: list[bytes], at: int, generator: random.Random) -> None:
    other = generator.randrange(len(fields))
    fields[at], fields[other] = fields[other], fields[at]


def _replace(fields: list[bytes], at: int, generator: random.Random) -> None:
    fields[at] = generator.choice(ABSURD).encode("utf-8", "surrogateescape")


def _nul(payload: bytes, generator: random.Random) -> bytes:
    at = generator.randrange(len(payload))
    return payload[:at] + b"\0" * generator.randint(1, 4) + payload[at:]


def _binary(payload: bytes, generator: random.Random) -> bytes:
    at = generator.randrange(len(payload))
    return payload[:at] + generator.randbytes(generator.randint(1, 16)) + payload[at:]


def _cut(payload: bytes, generator: random.Random) -> bytes:
    return payload[: generator.randint(1, len(payload))]


def _splice(payload: bytes, generator: random.Random) -> bytes:
    other = payload_of(fields_of(generator.choice(list(REQUESTS)), 178, generator, 1))
    return (
        payload[: generator.randint(1, len(payload))] + other[generator.randrange(len(other)) :]
    ) or payload


CHANGES: tuple[Change, ...] = (
    _flip, _fields(_drop), _fields(_double), _fields(_swap), _fields(_replace), _nul, _binary, _cut, _splice
)  # fmt: skip


def broken_length(payload: bytes, generator: random.Random) -> bytes:
    """A frame that says it has another length than it has."""
    wrong = generator.choice(
        [0, len(payload) - 1, len(payload) + 1, 2**31, 2**32 - 1, 2**24, generator.randrange(2**32)]
    )
    return max(wrong, 0).to_bytes(4, "big") + payload


def mutated(version: int, generator: random.Random, order_id: int) -> bytes:
    """A whole frame: as it is one time in eight, else changed once or more; its length is wrong one time in 500."""
    message_id = generator.choice([*REQUESTS, START_API, 3, 3, 3, 3])
    fields = (
        ["71", "2", "1", ""]
        if message_id == START_API
        else fields_of(message_id, version, generator, order_id)
    )
    payload = payload_of(fields)
    if generator.randrange(8):
        for _ in range(generator.choice((1, 1, 2, 5))):
            payload = generator.choice(CHANGES)(payload, generator)
    if not generator.randrange(500):
        return broken_length(payload, generator)
    return frame(payload)
