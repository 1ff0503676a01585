"""Any day at the gateway: random orders, changes, cancels, quotes, halts and bells, judged by what was on the wire."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from ib_async import TagValue
from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import opened_status, place

from algo_trade.clock import rng, utc

ENDS = {"Filled", "Cancelled", "Inactive"}
UNTIL_CLOSE_S, OVERNIGHT_S = 6.5 * 3600, 17.5 * 3600
OPS = {"place": 30, "show": 45, "change": 8, "cancel": 4, "halt": 2, "bell": 1, "wait": 10}
KINDS = {
    "MKT": 2, "LMT": 8, "STP": 3, "STP LMT": 2, "Adaptive": 1, "Adaptive LMT": 1, "TRAIL": 2, "TRAIL LIMIT": 1,
    "MIT": 1, "LIT": 1, "MIDPRICE": 2, "MOC": 1, "LOC": 1,
}  # fmt: skip
LIMITED = {"LMT", "STP LMT", "Adaptive LMT", "LIT", "LOC", "MIDPRICE"}
STOPPED = {"STP", "STP LMT", "MIT", "LIT"}
DAY_ONLY, NOT_IMMEDIATE = {"MOC", "LOC", "Adaptive", "Adaptive LMT"}, {"MIDPRICE", "TRAIL", "TRAIL LIMIT"}
ATTRIBUTES: list[dict[str, Any]] = [
    *[{}] * 8,
    {"allOrNone": True}, {"allOrNone": True, "hidden": True}, {"hidden": True}, {"displaySize": 3}, {"minQty": 5},
]  # fmt: skip


def a_day(seed: int) -> list[dict[str, Any]]:
    """What happens on it, in order."""
    chance = rng(seed, "any day")

    def cents() -> int:
        return chance.randint(9_996, 10_006)

    def one() -> dict[str, Any]:
        op: dict[str, Any] = {"op": chance.choices(list(OPS), list(OPS.values()))[0]}
        match op["op"]:
            case "place":
                return op | {
                    "action": chance.choice(["BUY", "SELL"]),
                    "quantity": chance.choice([10, 10, chance.randint(1, 40)]),
                    "kind": chance.choices(list(KINDS), list(KINDS.values()))[0],
                    "limit": cents(),
                    "stop": cents(),
                    "tif": chance.choices(["DAY", "GTC", "GTD", "IOC", "FOK"], [6, 4, 2, 1, 1])[0],
                    "good_for_s": chance.choice([1, 3, 40_000]),
                    "wants": chance.choice(ATTRIBUTES),
                    "parent": chance.choice([0, 0, 1, 1, 2]),
                    "transmit": chance.random() < 0.8,
                    "group": chance.choice([0, 0, 1, 2, 3]),
                }
            case "show":
                traded = (cents(), chance.randint(1, 40)) if chance.random() < 0.6 else None
                sizes = (chance.randint(0, 25), chance.randint(0, 25))
                return op | {"bid": cents(), "spread": chance.randint(1, 3), "sizes": sizes, "trade": traded}
            case "change":
                return op | {
                    "back": chance.randint(0, 5),
                    "quantity": chance.randint(1, 40),
                    "limit": cents(),
                }
            case "cancel":
                return op | {"back": chance.randint(0, 5)}
            case "wait":
                return op | {"seconds": chance.choice([0.05, 0.2, 12.0])}
        return op

    return [one() for _ in range(chance.randint(20, 90))]


@dataclass
class Day:
    """One run: what was sent, and when nothing may have traded."""

    desk: Desk
    sent: dict[int, dict[str, Any]] = field(default_factory=dict)
    quiet: list[tuple[int, int]] = field(default_factory=list)  # frames received while halted or closed
    halted_for: int = 0  # operations; then trading goes on
    closed_for: int = 0

    async def run(self, ops: list[dict[str, Any]]) -> None:
        for op in [*ops, *[{"op": "wait"}] * 4]:
            start = len(self.desk.client.frames)
            quiet = bool(self.halted_for or self.closed_for)
            getattr(self, op["op"])(op)
            await asyncio.sleep(op.get("seconds", 0.03))
            if quiet:
                self.quiet.append((start, len(self.desk.client.frames)))
            await self.go_on()

    async def go_on(self) -> None:
        """A halt lasts three operations, a night as well."""
        if self.halted_for:
            self.halted_for -= 1
            if not self.halted_for:
                self.desk.halt(False)
        if self.closed_for == 4:
            await self.ring(UNTIL_CLOSE_S)
        if self.closed_for:
            self.closed_for -= 1
            if not self.closed_for:
                await self.ring(UNTIL_CLOSE_S + OVERNIGHT_S)

    def place(self, op: dict[str, Any]) -> None:
        number = len(self.sent) + 1
        kind = op["kind"]
        tif = op["tif"]
        if kind in DAY_ONLY or (kind in NOT_IMMEDIATE and tif in {"IOC", "FOK"}):
            tif = "DAY"
        order: dict[str, Any] = {"orderType": kind, "tif": tif, "transmit": op["transmit"]} | op["wants"]
        if order.get("minQty", 0) > op["quantity"]:
            del order["minQty"]
        if tif == "GTD":
            until = utc(self.desk.clock.now_ns() + op["good_for_s"] * 10**9)
            order["goodTillDate"] = f"{until:%Y%m%d-%H:%M:%S}"
        if kind in LIMITED:
            order["lmtPrice"] = op["limit"] / 100
        if kind in STOPPED:
            order["auxPrice"] = op["stop"] / 100
        if "TRAIL" in kind:
            order["auxPrice"] = 0.02
        if kind == "TRAIL LIMIT":
            order["lmtPriceOffset"] = 0.01
        if "Adaptive" in kind:
            order |= {"orderType": "LMT" if "LMT" in kind else "MKT", "algoStrategy": "Adaptive"}
            order["algoParams"] = [TagValue("adaptivePriority", "Normal")]
        parent = number - op["parent"] if op["parent"] else 0
        if parent > 0:
            order["parentId"] = parent
        if op["group"]:
            name = f"exits of {parent}" if parent > 0 else f"group {number // 3}"
            order |= {"ocaGroup": name, "ocaType": op["group"]}
        self.sent[number] = {"action": op["action"], "quantity": op["quantity"]} | order
        self.desk.client.send(*place(number, **self.sent[number]))

    def change(self, op: dict[str, Any]) -> None:
        number = max(1, len(self.sent) - op["back"])
        order = self.sent.get(number)
        if order is not None and not order.get("ocaGroup"):
            new = {"quantity": op["quantity"], "transmit": True}
            if order.get("minQty", 0) > op["quantity"]:
                return
            if "lmtPrice" in order:
                new["lmtPrice"] = op["limit"] / 100
            self.desk.client.send(*place(number, **(order | new)))

    def cancel(self, op: dict[str, Any]) -> None:
        self.desk.client.send(4, 1, max(1, len(self.sent) - op["back"]), "")

    def show(self, op: dict[str, Any]) -> None:
        price, size = op["trade"] or (0, 0)
        bid = op["bid"]
        bid_size, ask_size = op["sizes"]
        self.desk.show(bid / 100, (bid + op["spread"]) / 100, bid_size, ask_size, (price / 100, size))

    def halt(self, _op: dict[str, Any]) -> None:
        if not self.halted_for:
            self.desk.halt(True)
            self.halted_for = 4

    def wait(self, _op: dict[str, Any]) -> None:
        """Time passes."""

    def bell(self, _op: dict[str, Any]) -> None:
        if not self.closed_for:
            self.closed_for = 4

    async def ring(self, at_s: float) -> None:
        """Wait for the close or the next opening, so many seconds after the last one."""
        clock: Any = self.desk.clock
        into_day_s = (clock.now_ns() - self.opened_ns) / 1e9 % (UNTIL_CLOSE_S + OVERNIGHT_S)
        await asyncio.sleep(at_s - into_day_s + 0.001)

    @property
    def opened_ns(self) -> int:
        opened = self.desk.config.market_open_ns
        assert opened is not None
        return opened


def judge(day: Day) -> None:
    """From the client's frames alone, and then the account against them."""
    frames = day.desk.client.frames
    for start, end in day.quiet:
        assert not [fields for fields in frames[start:end] if fields[0] == "11"], (
            "filled while nothing trades"
        )
    filled: dict[int, int] = defaultdict(int)
    terms: dict[int, list[str]] = {}
    ended: dict[int, str] = {}
    seen: set[str] = set()
    doomed: set[int] = set()  # in a group with an order that filled
    cash = day.desk.config.starting_cash_micros
    for fields in frames:
        number = int(fields[1]) if fields[0] in {"3", "5"} else int(fields[2]) if fields[0] == "11" else 0
        match fields[0]:
            case "5":
                terms[number] = fields
                ends(ended, number, opened_status(fields))
            case "3":
                assert int(fields[3]) == filled[number], "what is told as filled was executed"
                if (
                    fields[2] != "Cancelled"
                ):  # that may come before any openOrder, and with a size that shrank
                    assert int(fields[3]) + int(fields[4]) == int(terms[number][14])
                ends(ended, number, fields[2])
                group = day.sent[number].get("ocaGroup")
                if fields[2] == "Filled" and group:
                    working = terms.keys() - ended.keys()
                    doomed |= {other for other in working if day.sent[other].get("ocaGroup") == group}
            case "11":
                assert number not in ended, "nothing fills after the end"
                assert number not in doomed, "a group fills once"
                assert fields[14] not in seen
                seen.add(fields[14])
                shares, price = int(fields[19]), round(float(fields[20]) * 10_000)
                filled[number] += shares
                assert filled[number] == int(fields[24]) <= int(terms[number][14])
                is_buy = fields[18] == "BOT"
                limit = round(float(terms[number][16]) * 10_000)
                if limit:
                    assert price <= limit if is_buy else price >= limit
                sent = day.sent[number]
                if sent.get("allOrNone"):
                    assert shares == int(terms[number][14]), "all or nothing"
                if sent.get("goodTillDate"):
                    at = datetime.strptime(fields[15], "%Y%m%d %H:%M:%S US/Eastern").replace(
                        tzinfo=ZoneInfo("US/Eastern")
                    )
                    assert f"{at.astimezone(UTC):%Y%m%d-%H:%M:%S}" <= sent["goodTillDate"], "after its date"
                cash -= (shares if is_buy else -shares) * price * 100
            case "59":
                cash -= round(float(fields[3]) * 1_000_000)
    booking = day.desk.booking
    assert booking.account.cash_micros == cash
    held = sum(
        shares if day.sent[number]["action"] == "BUY" else -shares for number, shares in filled.items()
    )
    assert sum(position.shares for position in booking.account.open_positions()) == held
    families(day, filled)


def ends(ended: dict[int, str], number: int, status: str) -> None:
    """An order ends once; what is told after that is the same end."""
    assert ended.get(number, status) == status
    if status in ENDS:
        ended[number] = status


def families(day: Day, filled: dict[int, int]) -> None:
    """Children never trade more than their parent."""
    children: dict[int, int] = defaultdict(int)
    for number, order in day.sent.items():
        if number in day.desk.orders:
            children[order.get("parentId", 0)] += filled[number]
    assert all(not parent or shares <= filled[parent] for parent, shares in children.items())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happens_orders_end_once_and_books_add_up(seed: int) -> None:
    """And in the end everything can be cancelled."""

    async def body(desk: Desk) -> None:
        day = Day(desk)
        await day.run(a_day(seed))
        await asyncio.sleep(1)
        await desk.client.ask(58, 1, wait=1)
        for number, order in desk.orders.items():
            if order.status == "ApiPending":
                desk.client.send(4, 1, number, "")
        await asyncio.sleep(1)
        judge(day)
        assert await desk.client.ask(5, 1) == [["53", "1"]]
        assert all(order.status in ENDS for order in desk.orders.values())

    by_hand(body)
