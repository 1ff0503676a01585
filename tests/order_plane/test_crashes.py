"""The process dies at every place where dying makes a difference, once and twice, and the books end right.

Every place is a place in the code as it runs (see world.Fuse), so a new commit, publish or write adds itself.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.order_plane.fuse import Crash, Fuse
from tests.order_plane.truth import check
from tests.order_plane.world import Life, World, in_world, wish

from algo_trade.clock import rng
from algo_trade.contracts import ExecutionStatus

SENT = "order, after the bytes"
# Of the order of the broker's own delays, so that orders fill between the questions of a reconciliation.
_ANSWER_S = 0.025


class Death(NamedTuple):
    """At which place; whether bytes that were written still arrive; how long until the next life."""

    at: int
    graceful: bool = False
    down_s: float = 0.0


async def trade(life: Life) -> None:
    """The workload: each kind of outcome in a symbol of its own, all at once. What is in the log is not repeated."""
    world = life.world
    await life.start()
    wishes = (
        wish(world, "DEEP"),  # fills
        wish(world, "THIN"),  # fills in part
        wish(world, "FAR", limit=99.0),  # does not fill
        wish(world, "DEEPER", limit=None),  # at market
        wish(world, "HUGE", limit=100.015),  # refused: between two ticks
    )
    known = {intent.intent_id for intent in await life.intents()}
    for each in wishes:
        if each.intent_id not in known:
            await life.publish(each)
    await life.settle()


async def live(world: World, death: Death | None) -> tuple[Life, bool]:
    """One life, to its death or (True) through the whole workload."""
    life = await world.begin(Fuse(None if death is None else death.at))
    life.graceful = death is not None and death.graceful
    work = asyncio.ensure_future(trade(life))
    burnt = asyncio.ensure_future(life.fuse.burnt.wait())
    await asyncio.wait([work, burnt], return_when=asyncio.FIRST_COMPLETED)
    burnt.cancel()
    if not life.fuse.burnt.is_set():
        await work
        return life, True
    await life.die()
    await asyncio.gather(work, return_exceptions=True)
    if death is not None:
        await asyncio.sleep(death.down_s)
    return life, False


class Lived(NamedTuple):
    """What a history came to: places passed in the life after the last death, and how the intents ended."""

    places: list[str]
    statuses: dict[str, str]
    finished: bool  # the last death came before the work was done


def history(directory: Path, deaths: Sequence[Death]) -> Lived:
    """Die as told, then live to the end and be checked."""

    async def body(world: World) -> Lived:
        world.take_time(_ANSWER_S)
        finished = False
        for death in deaths:
            life, finished = await live(world, death)
            if finished:
                break
        if not finished:
            life, _ = await live(world, None)
        last = await check(world, life)
        statuses = {report.symbol: report.status.value for report in last.values()}
        places = list(life.fuse.places)
        await life.end()
        return Lived(places, statuses, finished)

    return in_world(directory, body)


def all_deaths(places: list[str]) -> list[Death]:
    """Every place, with bytes lost and a quick return, or bytes delivered and a slow one; every write with both."""
    deaths = []
    for at, name in enumerate(places):
        if name == SENT:
            deaths += [Death(at), Death(at, graceful=True), Death(at, graceful=True, down_s=2.0)]
        else:
            deaths.append(Death(at, graceful=at % 2 == 1, down_s=2.0 * (at // 2 % 2)))
    return deaths


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is such a thing: a dead process leaves the same files on any disk, and these are many."""
    memory = Path("/dev/shm")
    if memory.is_dir():
        with tempfile.TemporaryDirectory(dir=memory) as made:
            yield Path(made)
    else:
        yield tmp_path_factory.mktemp("worlds")


@pytest.fixture(scope="module")
def whole(place: Path) -> Lived:
    """The workload without a death."""
    return history(place / "whole", ())


def test_without_a_death_every_outcome_is_as_planned(whole: Lived) -> None:
    assert whole.statuses == {
        "DEEP": "FILLED",
        "THIN": "CANCELED",
        "FAR": "CANCELED",
        "DEEPER": "FILLED",
        "HUGE": "REJECTED",
    }
    kinds = {name.partition(", ")[2] for name in whole.places}
    assert {"before the bytes", "after the bytes", "before the commit", "after exec_reports"} <= kinds


def lived(directory: Path, deaths: Sequence[Death]) -> Lived:
    """`history`, with files that do not pile up and errors that name the deaths."""
    with tempfile.TemporaryDirectory(dir=directory) as made:
        try:
            return history(Path(made), deaths)
        except (AssertionError, Crash) as wrong:
            raise AssertionError(f"{list(deaths)}: {wrong}") from wrong


def test_one_death_at_every_place(whole: Lived, place: Path) -> None:
    ended: set[str] = set()
    for death in all_deaths(whole.places):
        ended.update(lived(place, (death,)).statuses.values())
    assert ExecutionStatus.UNKNOWN.value in ended, (
        "no death lost an order's bytes: the harness has gone blunt"
    )


def test_two_deaths_at_places_drawn_by_seed(whole: Lived, place: Path) -> None:
    """The second may come in the recovery, or in the work after it."""
    draw = rng(1, "two deaths")
    for _ in range(150):
        pair = [
            Death(draw.randrange(len(whole.places)), draw.random() < 0.5, draw.choice((0.0, 0.03, 0.07, 2.0)))
            for _ in range(2)
        ]
        lived(place, pair)


@pytest.mark.slow
def test_two_deaths_at_every_second_pair_of_places(whole: Lived, place: Path) -> None:
    """The first death at every place, the second at every place of one parity; times drawn by seed."""
    draw = rng(2, "two deaths")
    unfinished = 0
    for first in range(len(whole.places)):
        for second in range(first % 2, len(whole.places), 2):
            pair = [
                Death(at, draw.random() < 0.5, draw.choice((0.0, 0.03, 0.07, 2.0))) for at in (first, second)
            ]
            unfinished += not lived(place, pair).finished
    assert unfinished > len(whole.places) * 10, "second deaths hardly ever came: the harness has gone blunt"
