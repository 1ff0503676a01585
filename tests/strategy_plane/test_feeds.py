"""What a strategy may ask for, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from algo_trade.contracts import BarDuration
from algo_trade.strategy_plane import Feeds, Quotes
from algo_trade.strategy_plane.feeds import BAR_LENGTHS


def test_who_asks_for_nothing_gets_samples_in_the_view_and_no_call() -> None:
    assert Feeds() == Feeds(
        quotes=Quotes.TOP_OF_BOOK, ticks=False, trades=False, ofi=None, bars=(), warm_up_s=0.0
    )


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        ({"trades": True}, "ask for ticks"),
        ({"warm_up_s": 1.0}, "ask for ticks"),
        ({"history": "1 D"}, "ask for bars"),
        ({"bars": (BarDuration.M1,), "history": "a day"}, "no IBKR duration"),
        ({"bars": (BarDuration.M1, BarDuration.M1)}, "twice"),
    ],
)
def test_wishes_that_contradict_each_other_are_refused(wishes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Feeds(**wishes)


def test_every_bar_size_has_its_length() -> None:
    assert set(BAR_LENGTHS) == set(BarDuration)
