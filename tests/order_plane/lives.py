"""Histories: a program that dies where it is told to, begins again on the same files, and is checked at the end.

Every place is a place in the code as it runs (see fuse.Fuse), so a new commit, publish or write adds itself.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from tests.order_plane.fuse import Crash, Fuse
from tests.order_plane.world import Life, World, in_world

from algo_trade.contracts import ExecutionReport

# Of the order of the broker's own delays, so that orders fill between the questions of a reconciliation.
_ANSWER_S = 0.025

Trade = Callable[[Life], Awaitable[None]]
Check = Callable[[World, Life], Awaitable[dict[UUID, ExecutionReport]]]


class Death(NamedTuple):
    """At which place; whether bytes that were written still arrive; how long until the next life."""

    at: int
    graceful: bool = False
    down_s: float = 0.0


class Lived(NamedTuple):
    """What a history came to: places passed in the life after the last death, and how the intents ended."""

    places: list[str]
    statuses: dict[str, str]
    finished: bool  # the last death came before the work was done


async def live(world: World, death: Death | None, trade: Trade) -> tuple[Life, bool]:
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


def history(
    directory: Path,
    deaths: Sequence[Death],
    trade: Trade,
    check: Check,
    prepare: Callable[[World], None] = lambda _world: None,
) -> Lived:
    """Die as told, then live to the end and be checked."""

    async def body(world: World) -> Lived:
        prepare(world)
        world.take_time(_ANSWER_S)
        finished = False
        for death in deaths:
            life, finished = await live(world, death, trade)
            if finished:
                break
        if not finished:
            life, _ = await live(world, None, trade)
        last = await check(world, life)
        statuses = {f"{report.symbol}": report.status.value for report in last.values()}
        places = list(life.fuse.places)
        await life.end()
        return Lived(places, statuses, finished)

    return in_world(directory, body)


@contextmanager
def place_for_worlds(otherwise: Callable[[], Path]) -> Iterator[Path]:
    """In memory where there is such a thing: a dead process leaves the same files on any disk, and these are many."""
    memory = Path("/dev/shm")
    if memory.is_dir():
        with tempfile.TemporaryDirectory(dir=memory) as made:
            yield Path(made)
    else:
        yield otherwise()


def lived(directory: Path, deaths: Sequence[Death], one: Callable[[Path, Sequence[Death]], Lived]) -> Lived:
    """A history with files that do not pile up and errors that name the deaths."""
    with tempfile.TemporaryDirectory(dir=directory) as made:
        try:
            return one(Path(made), deaths)
        except (AssertionError, Crash) as wrong:
            raise AssertionError(f"{list(deaths)}: {wrong}") from wrong


def all_deaths(places: list[str]) -> list[Death]:
    """Every place, with bytes lost and a quick return, or bytes delivered and a slow one; every write with both."""
    deaths = []
    for at, name in enumerate(places):
        if name.endswith("after the bytes"):
            deaths += [Death(at), Death(at, graceful=True), Death(at, graceful=True, down_s=2.0)]
        else:
            deaths.append(Death(at, graceful=at % 2 == 1, down_s=2.0 * (at // 2 % 2)))
    return deaths
