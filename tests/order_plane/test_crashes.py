"""The process dies at every place where dying makes a difference, once and twice, and the books end right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.order_plane.lives import Death, Lived, all_deaths, history, lived, place_for_worlds
from tests.order_plane.truth import check
from tests.order_plane.world import Life, wish

from algo_trade.clock import rng
from algo_trade.contracts import ExecutionStatus


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


def one(directory: Path, deaths: Sequence[Death]) -> Lived:
    return history(directory, deaths, trade, check)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with place_for_worlds(lambda: tmp_path_factory.mktemp("worlds")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(place: Path) -> Lived:
    """The workload without a death."""
    return one(place / "whole", ())


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


@pytest.mark.parametrize("part", [0, 1])
def test_one_death_at_every_place(whole: Lived, place: Path, part: int) -> None:
    """In two parts, for two cores."""
    ended: set[str] = set()
    for death in all_deaths(whole.places)[part::2]:
        ended.update(lived(place, (death,), one).statuses.values())
    assert ExecutionStatus.UNKNOWN.value in ended, (
        "no death lost an order's bytes: the harness has gone blunt"
    )


@pytest.mark.parametrize("part", [0, 1])
def test_two_deaths_at_places_drawn_by_seed(whole: Lived, place: Path, part: int) -> None:
    """The second may come in the recovery, or in the work after it."""
    draw = rng(1 + part, "two deaths")
    for _ in range(75):
        pair = [
            Death(draw.randrange(len(whole.places)), draw.random() < 0.5, draw.choice((0.0, 0.03, 0.07, 2.0)))
            for _ in range(2)
        ]
        lived(place, pair, one)


@pytest.mark.slow
def test_two_deaths_at_every_second_pair_of_places(whole: Lived, place: Path) -> None:
    """The first death at every place, the second at every place of one parity; times drawn by seed."""
    draw = rng(3, "two deaths")
    unfinished = 0
    for first in range(len(whole.places)):
        for second in range(first % 2, len(whole.places), 2):
            pair = [
                Death(at, draw.random() < 0.5, draw.choice((0.0, 0.03, 0.07, 2.0))) for at in (first, second)
            ]
            unfinished += not lived(place, pair, one).finished
    assert unfinished > len(whole.places) * 10, "second deaths hardly ever came: the harness has gone blunt"
