"""The process dies at every place on the way of a change, a cancel and a bracket, and the books end right.

What a death can cost is the change itself, which is never sent twice: the order then works on at its old terms, and
that is told. A cancel is asked for again. A bracket is all there or all in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from tests.order_plane.broker import Broker
from tests.order_plane.lives import Death, Lived, all_deaths, history, lived, place_for_worlds
from tests.order_plane.truth import check, nothing_unreserved, reports_are_whole
from tests.order_plane.world import ASK, Life, World, amend, bracket, wish

from algo_trade.clock import rng
from algo_trade.contracts import ExecutionReport, OrderAmendment, TimeInForce

DAY = TimeInForce.DAY


async def say(life: Life, *messages: OrderAmendment) -> None:
    """Publish what is not in the log yet: a strategy that begins again decides the same."""
    known = {amendment.amendment_id for amendment in await life.amendments()}
    await life.publish(*(message for message in messages if message.amendment_id not in known))


async def watch(life: Life) -> None:
    """Also in a life that dies: what was found is kept for the end."""
    while True:
        try:
            nothing_unreserved(life.world, life)
        except AssertionError as wrong:
            life.world.found.append(str(wrong))
        await asyncio.sleep(0.004)


async def trade(life: Life) -> None:
    """Orders that rest, then: one is moved into the market, one is withdrawn, one is both, one is moved twice."""
    world = life.world
    watching = asyncio.ensure_future(watch(life))
    await life.start()
    resting = {symbol: wish(world, symbol, limit=99.0, tif=DAY) for symbol in ("DEEP", "FAR", "THIN", "HUGE")}
    known = {intent.intent_id for intent in await life.intents()}
    await life.publish(*(intent for intent in resting.values() if intent.intent_id not in known))
    await life.settle(0.2)
    await say(
        life,
        amend(world, resting["DEEP"], quantity=8, limit_price=ASK),
        amend(world, resting["FAR"]),
        amend(world, resting["THIN"], quantity=3, limit_price=ASK),
        amend(world, resting["HUGE"], quantity=9),
    )
    await life.settle(0.2)
    await say(
        life, amend(world, resting["THIN"], number=2), amend(world, resting["HUGE"], number=2, quantity=4)
    )
    await life.settle()
    watching.cancel()


async def check_all(world: World, life: Life) -> dict[UUID, ExecutionReport]:
    assert world.found == []
    return await check(world, life)


def one(directory: Path, deaths: Sequence[Death]) -> Lived:
    return history(directory, deaths, trade, check_all)


# -- a bracket, at a broker that does as it is told ----------------------------------------------------
async def trade_bracket(life: Life) -> None:
    """Sent, entered, its stop moved, its profit taken: each step when the broker has come so far."""
    world = life.world
    broker: Broker = world.broker
    await life.start()
    *_, loss = family = bracket(world)
    known = {intent.intent_id for intent in await life.intents()}
    await life.publish(*(intent for intent in family if intent.intent_id not in known))
    await life.settle(0.2)
    has = {order.ref: order for order in broker.orders.values()}
    mine = [has.get(str(intent.intent_id)) for intent in family]
    if mine[0] is not None and mine[0].live:
        broker.fill(mine[0], 5)
    await life.settle(0.1)
    if mine[2] is not None:
        await say(life, amend(world, loss, stop_price=98.5))
    await life.settle(0.2)
    if mine[1] is not None and mine[1].live:
        broker.fill(mine[1], 5, 101.0)
    await life.settle()


async def check_bracket(world: World, life: Life) -> dict[UUID, ExecutionReport]:
    """All of it or none at the broker; in doubt together; one write each; positions as the broker has them."""
    broker: Broker = world.broker
    last = await life.last_reports()
    family = [intent for intent in await life.intents() if intent.strategy_id != "FLATTEN"]
    had = {order.ref for order in broker.orders.values()}
    assert len(had) in (0, 3), f"half a bracket: {len(had)}"
    states = [last[intent.intent_id].status.value for intent in family]
    if had:
        assert states == ["FILLED", "FILLED", "CANCELED"], states
    else:
        assert states[:1] * len(states) == states, states
        assert states[0] in ("UNKNOWN", "REJECTED", "TIMEOUT", "ERROR"), states
    assert (states[0] == "UNKNOWN") is ("DEEP" in life.plane.ledger.frozen)
    frames = [frame["orderRef"] for frame in broker.frames]
    changes = len(await life.amendments())
    assert len(frames) <= len(had) + changes
    assert {symbol: held for symbol, held in broker.positions.items() if held} == (
        life.plane.ledger.account_positions()
    )
    reports_are_whole(await life.log())
    told = {report.report_id for report in await life.log()}
    assert {report.report_id for report in life.journal.reports(world.session_id)} <= told
    return last


def one_bracket(directory: Path, deaths: Sequence[Death]) -> Lived:
    def prepare(world: World) -> None:
        world.broker = Broker(world)

    return history(directory, deaths, trade_bracket, check_bracket, prepare)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with place_for_worlds(lambda: tmp_path_factory.mktemp("worlds")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(place: Path) -> Lived:
    """The workload without a death."""
    return one(place / "whole", ())


def test_without_a_death_every_amendment_does_what_it_says(whole: Lived) -> None:
    assert whole.statuses == {"DEEP": "FILLED", "FAR": "CANCELED", "THIN": "CANCELED", "HUGE": "ACKNOWLEDGED"}
    assert {"cancel, before the bytes", "order, after the bytes"} <= set(whole.places)


def test_one_death_on_the_way_of_the_amendments(whole: Lived, place: Path) -> None:
    """At every third place; the slow test has them all."""
    ended = []
    for death in all_deaths(whole.places)[::3]:
        ended.append(lived(place, (death,), one).statuses)
    assert any(statuses["DEEP"] == "ACKNOWLEDGED" for statuses in ended), (
        "no death lost a change: the harness is blunt"
    )
    assert all(statuses["FAR"] in ("CANCELED", "UNKNOWN", "REJECTED") for statuses in ended)


def test_one_death_on_the_way_of_a_bracket(place: Path) -> None:
    """At every third place; the slow test has them all."""
    whole_bracket = one_bracket(place / "bracket", ())
    assert {"bracket, before the bytes", "bracket, after the bytes"} <= set(whole_bracket.places)
    for death in all_deaths(whole_bracket.places)[::3]:
        lived(place, (death,), one_bracket)


@pytest.mark.slow
@pytest.mark.parametrize("work", [one, one_bracket], ids=["amendments", "bracket"])
def test_one_death_at_every_place_and_two_at_places_drawn_by_seed(
    place: Path, work: Callable[[Path, Sequence[Death]], Lived]
) -> None:
    places = work(place / work.__name__, ()).places
    for death in all_deaths(places):
        lived(place, (death,), work)
    draw = rng(3, "two deaths")
    for _ in range(300):
        pair = [
            Death(draw.randrange(len(places)), draw.random() < 0.5, draw.choice((0.0, 0.03, 0.07, 2.0)))
            for _ in range(2)
        ]
        lived(place, pair, work)
