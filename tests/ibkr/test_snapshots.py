"""Snapshots: rows when the gateway said that is all, Unknown in every other case."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.ibkr import frames
from tests.ibkr.frames import payload
from tests.ibkr.helpers import Session, session
from tests.ibkr.scripted import Peer, Script

from algo_trade.ibkr.answers import Known, Unknown
from algo_trade.ibkr.events import AccountValue, Execution, OpenOrder
from algo_trade.ibkr.handler import IBKRHandler

Ask = Callable[[IBKRHandler], Awaitable[Any]]

QUESTIONS: dict[str, tuple[Ask, str]] = {
    "open orders": (lambda h: h.snapshots.open_orders(), "16"),
    "own open orders": (lambda h: h.snapshots.open_orders(all_clients=False), "5"),
    "executions": (lambda h: h.snapshots.executions(), "7"),
    "completed orders": (lambda h: h.snapshots.completed_orders(), "99"),
    "positions": (lambda h: h.get_positions(), "61"),
    "account summary": (lambda h: h.get_account_info(), "62"),
    "account values": (lambda h: h.snapshots.account_values(), "76"),
}
# What each question's answer looks like: rows for a request id, then the end.
ANSWERS: dict[str, tuple[Callable[[str], list[bytes]], Callable[[str], bytes]]] = {
    "16": (lambda _: [frames.open_order(), frames.order_status(7)], lambda _: payload(53, 1)),
    "5": (lambda _: [frames.open_order(), frames.order_status(7)], lambda _: payload(53, 1)),
    "7": (
        lambda r: [frames.execution(req_id=int(r)), frames.commission_report()],
        lambda r: payload(55, 1, r),
    ),
    "99": (lambda _: [frames.completed_order()], lambda _: payload(102)),
    "61": (lambda _: [frames.position()], lambda _: payload(62, 1)),
    "62": (
        lambda r: [payload(63, 1, r, "DU1234567", "TotalCashValue", "1000000.00", "USD")],
        lambda r: payload(64, 1, r),
    ),
    "76": (
        lambda r: [payload(73, 1, r, "DU1234567", "", "NetLiquidation", "1000000.00", "USD")],
        lambda r: payload(74, 1, r),
    ),
}
REQUEST_ID_AT = {"7": 2, "62": 2, "76": 2}


def req_id(fields: list[str]) -> str:
    at = REQUEST_ID_AT.get(fields[0])
    return fields[at] if at is not None else ""


def answering(**changes: Any) -> Script:
    """A gateway that answers every question with one row and its end."""

    def reply(peer: Peer, fields: list[str]) -> None:
        rows, end = ANSWERS[fields[0]]
        peer.send(*rows(req_id(fields)), end(req_id(fields)))

    return Script(replies=dict.fromkeys(ANSWERS, reply), **changes)


def silent(*, rows: bool) -> Script:
    """A gateway that never says its answers are complete."""

    def reply(peer: Peer, fields: list[str]) -> None:
        if rows:
            peer.send(*ANSWERS[fields[0]][0](req_id(fields)))

    return Script(replies=dict.fromkeys(ANSWERS, reply))


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("version", [157, 178])
def test_an_answer(name: str, version: int) -> None:
    async def body(s: Session) -> None:
        answer = await QUESTIONS[name][0](s.handler)
        assert isinstance(answer, Known), answer
        assert len(answer.rows) == 1

    script = answering(version=version)
    if version == 157:
        script.replies["16"] = script.replies["5"] = lambda peer, _: peer.send(
            frames.open_order(version=157), payload(53, 1)
        )
        script.replies["7"] = lambda peer, fields: peer.send(
            frames.execution(version=157, req_id=int(fields[2])), payload(55, 1, fields[2])
        )
        script.replies["99"] = lambda peer, _: peer.send(frames.completed_order(version=157), payload(102))
    session(body, script)


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("rows", [True, False])
def test_silence_is_unknown_and_never_empty(name: str, rows: bool) -> None:
    async def body(s: Session) -> None:
        answer = await QUESTIONS[name][0](s.handler)
        assert isinstance(answer, Unknown)
        assert "5 s" in answer.reason

    session(body, silent(rows=rows))


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_empty_answer_is_known(name: str) -> None:
    def reply(peer: Peer, fields: list[str]) -> None:
        peer.send(ANSWERS[fields[0]][1](req_id(fields)))

    async def body(s: Session) -> None:
        assert await QUESTIONS[name][0](s.handler) == Known(())

    session(body, Script(replies=dict.fromkeys(ANSWERS, reply)))


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_lost_connection_is_unknown_at_once(name: str) -> None:
    async def body(s: Session) -> None:
        before = asyncio.get_running_loop().time()
        answer = await QUESTIONS[name][0](s.handler)
        assert isinstance(answer, Unknown)
        assert asyncio.get_running_loop().time() == before
        again = await QUESTIONS[name][0](s.handler)
        assert isinstance(again, Unknown)
        assert "reconnecting" in again.reason

    session(body, Script(replies=dict.fromkeys(ANSWERS, lambda peer, _: peer.close())))


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_row_that_cannot_be_decoded_makes_the_answer_unknown(name: str) -> None:
    def reply(peer: Peer, fields: list[str]) -> None:
        rows, end = ANSWERS[fields[0]]
        message_id = rows(req_id(fields))[0].split(b"\0")[0]
        peer.send(message_id + b"\0damaged\0", *rows(req_id(fields)), end(req_id(fields)))

    async def body(s: Session) -> None:
        answer = await QUESTIONS[name][0](s.handler)
        assert isinstance(answer, Unknown)

    session(body, Script(replies=dict.fromkeys(ANSWERS, reply)))


@pytest.mark.parametrize("name", ["executions", "account summary", "account values"])
def test_a_refusal_is_unknown_with_its_code_and_a_warning_is_not_one(name: str) -> None:
    def reply(peer: Peer, fields: list[str]) -> None:
        peer.send(frames.message(int(req_id(fields)), 2150, "a warning"))
        peer.send(
            frames.message(int(req_id(fields)), 322, "Maximum number of account summary requests exceeded")
        )

    async def body(s: Session) -> None:
        answer = await QUESTIONS[name][0](s.handler)
        assert isinstance(answer, Unknown)
        assert answer.code == 322

    session(body, Script(replies=dict.fromkeys(ANSWERS, reply)))


def test_questions_without_an_id_are_asked_one_after_the_other() -> None:
    open_now = []

    def reply(peer: Peer, fields: list[str]) -> None:
        open_now.append(fields[0])
        assert len(open_now) == 1

        def end() -> None:
            open_now.clear()
            peer.send(payload(53, 1))

        asyncio.get_running_loop().call_later(0.5, end)

    async def body(s: Session) -> None:
        snapshots = s.handler.snapshots
        answers = await asyncio.gather(*(snapshots.open_orders(all_clients=bool(n % 2)) for n in range(4)))
        assert answers == [Known(())] * 4

    session(body, Script(replies={"5": reply, "16": reply}))


def test_a_late_answer_does_not_end_the_next_question() -> None:
    """The first answer's end comes after its question was given up: the second must not take it for its own."""
    asked = []

    def reply(peer: Peer, fields: list[str]) -> None:
        asked.append(fields)
        loop = asyncio.get_running_loop()
        if len(asked) == 1:
            loop.call_later(7, lambda: peer.send(payload(53, 1)))
        else:
            loop.call_later(2, lambda: peer.send(frames.open_order(), payload(53, 1)))

    async def body(s: Session) -> None:
        assert isinstance(await s.handler.snapshots.open_orders(), Unknown)
        answer = await s.handler.snapshots.open_orders(deadline_s=20)
        assert isinstance(answer, Known)
        assert [order.order_id for order in answer.rows] == [7]

    session(body, Script(replies={"16": reply}))


def test_the_latest_row_about_an_order_counts() -> None:
    def reply(peer: Peer, _fields: list[str]) -> None:
        peer.send(frames.open_order(status="PreSubmitted"), frames.open_order(8, perm_id=9))
        peer.send(frames.open_order(status="Submitted"), payload(53, 1))

    async def body(s: Session) -> None:
        answer = await s.handler.snapshots.open_orders()
        assert isinstance(answer, Known)
        assert [(order.order_id, order.status) for order in answer.rows] == [
            (7, "Submitted"),
            (8, "PreSubmitted"),
        ]

    session(body, Script(replies={"16": reply}))


def test_subscriptions_behind_an_answer_are_withdrawn() -> None:
    async def body(s: Session) -> None:
        for _ in range(3):
            assert isinstance(await s.handler.get_account_info(), Known)
        asked = [fields[2] for fields in s.gateway.requests(62)]
        await asyncio.sleep(0.1)
        assert [fields[2] for fields in s.gateway.requests(63)] == asked

    session(body, answering())


def test_rows_pass_through_the_event_stream_as_well() -> None:
    async def body(s: Session) -> None:
        fills, orders = s.heard(Execution), s.heard(OpenOrder)
        await s.handler.snapshots.executions()
        await s.handler.snapshots.open_orders()
        assert [fill.exec_id for fill in fills] == ["0000e0d5.69dd7411.01.01"]
        assert [order.order_id for order in orders] == [7]

    session(body, answering())


def test_account_figures_are_text_with_their_currency() -> None:
    async def body(s: Session) -> None:
        info = await s.handler.get_account_info()
        values = await s.handler.snapshots.account_values()
        assert isinstance(info, Known)
        assert isinstance(values, Known)
        at = info.rows[0].arrival_ns
        assert info.rows == (AccountValue("DU1234567", "TotalCashValue", "1000000.00", "USD", at),)
        at = values.rows[0].arrival_ns
        assert values.rows == (AccountValue("DU1234567", "NetLiquidation", "1000000.00", "USD", at),)

    session(body, answering())
