"""How good the quotes are: fresh, complete, and with a gateway whose clock agrees with ours.

Freshness is counted from arrival, since the gateway stamps ticks with whole seconds only; for the same reason
the two clocks are only held apart when they differ by more than a second and the bound. Silence is measured on
the monotonic clock: a step of the wall clock is not a silent market.

Nothing here raises an alarm per tick. An alarm opens an episode, and its end is told once as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from algo_trade.ibkr.events import TickBidAsk, TickLast

_NS_PER_S = 1_000_000_000

# Good ticks in a row that end an episode of bad ones; fewer would make an alarm of every flicker.
GOOD_TICKS_TO_CLEAR = 10


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """`max_skew_s`: gateway clock against ours, either way. `stale_after_s`: silence of a symbol in a session."""

    max_skew_s: float = 2.0
    stale_after_s: float = 15.0

    def __post_init__(self) -> None:
        if not (self.max_skew_s > 0 and self.stale_after_s > 0):
            raise ValueError("quality limits must be positive")


class Trouble(Enum):
    """What can be wrong with a symbol's quotes."""

    SILENT = "silent"
    SKEWED = "clock_skew"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class QualityNotice:
    """The beginning (`begins`) or the end of an episode. `value_s`: seconds of silence or of skew, where told."""

    symbol: str
    trouble: Trouble
    begins: bool
    text: str
    value_s: float | None = None


class _Episode:
    __slots__ = ("_good", "_to_clear", "on")

    def __init__(self, to_clear: int) -> None:
        self.on = False
        self._to_clear = to_clear
        self._good = 0

    def bad(self) -> bool:
        """True when this begins the episode."""
        self._good = 0
        begins, self.on = not self.on, True
        return begins

    def good(self) -> bool:
        """True when this ends the episode."""
        self._good += 1
        if self.on and self._good >= self._to_clear:
            self.on = False
            return True
        return False


class SymbolFeed:
    """The quotes of one symbol so far."""

    __slots__ = (
        "_last_arrival_ns",
        "accepted",
        "episodes",
        "heard_mono_ns",
        "last",
        "quote",
        "seen",
        "symbol",
        "troubled",
    )

    def __init__(self, symbol: str, heard_mono_ns: int) -> None:
        self.symbol = symbol
        self.heard_mono_ns = heard_mono_ns
        self.seen = 0
        self.accepted = 0
        self.quote: TickBidAsk | None = None  # the one that stands, while it can be trusted
        self.last: TickLast | None = None  # the newest trade
        self.troubled = False  # some episode is on: the quick answer for the usual tick
        self.episodes = {
            Trouble.SILENT: _Episode(1),
            Trouble.SKEWED: _Episode(GOOD_TICKS_TO_CLEAR),
            Trouble.UNREADABLE: _Episode(GOOD_TICKS_TO_CLEAR),
        }
        self._last_arrival_ns = 0

    def age_ms(self, arrival_ns: int) -> float | None:
        """Milliseconds since the symbol's tick before, and remember this one; None for the first."""
        before, self._last_arrival_ns = self._last_arrival_ns, arrival_ns
        if not before:
            return None
        return max(0, arrival_ns - before) // 1000 / 1000

    def completeness(self) -> float:
        """The share of this symbol's ticks that were whole and sound, the present one taken as such."""
        if self.accepted == self.seen:
            return 1.0
        return round((self.accepted + 1) / (self.seen + 1), 4)

    @property
    def stale(self) -> bool:
        """Its newest quote is not to be trusted to be the market's."""
        return self.episodes[Trouble.SILENT].on or self.episodes[Trouble.UNREADABLE].on


class QualityMonitor:
    """Feeds by symbol, and the notices that are due."""

    def __init__(self, limits: QualityLimits) -> None:
        self._limits = limits
        self._stale_after_ns = round(limits.stale_after_s * _NS_PER_S)
        self._skew_min_ns = -round(limits.max_skew_s * _NS_PER_S)
        self._skew_max_ns = round((limits.max_skew_s + 1.0) * _NS_PER_S)
        self._feeds: dict[str, SymbolFeed] = {}

    def expect(self, symbols: Iterable[str], mono_ns: int) -> None:
        """From now on these symbols should tick, also those that never have."""
        for symbol in symbols:
            self._feeds.setdefault(symbol, SymbolFeed(symbol, mono_ns)).heard_mono_ns = mono_ns

    def feed(self, symbol: str, mono_ns: int) -> SymbolFeed:
        feed = self._feeds.get(symbol)
        if feed is None:
            feed = self._feeds[symbol] = SymbolFeed(symbol, mono_ns)
        return feed

    def feeds(self) -> list[SymbolFeed]:
        """All symbols that tick or should."""
        return list(self._feeds.values())

    def stale_symbols(self) -> list[str]:
        return [feed.symbol for feed in self._feeds.values() if feed.stale]

    def on_tick(self, feed: SymbolFeed, time_s: int, arrival_ns: int) -> list[QualityNotice] | None:
        """A tick was accepted. None (nothing to tell) nearly always."""
        skew_ns = arrival_ns - time_s * _NS_PER_S
        skewed = not self._skew_min_ns <= skew_ns <= self._skew_max_ns
        if not (skewed or feed.troubled):
            return None
        notices: list[QualityNotice] = []
        skew_s = round(skew_ns / _NS_PER_S, 3)
        for trouble, episode in feed.episodes.items():
            if trouble is Trouble.SKEWED and skewed:
                if episode.bad():
                    text = f"{feed.symbol}: the gateway's clock is {skew_s:g} s from ours"
                    notices.append(QualityNotice(feed.symbol, trouble, True, text, skew_s))
            elif episode.good():
                notices.append(
                    QualityNotice(feed.symbol, trouble, False, f"{feed.symbol}: {_END_TEXT[trouble]}")
                )
        feed.troubled = any(episode.on for episode in feed.episodes.values())
        return notices or None

    def on_unreadable(self, feed: SymbolFeed, reason: str) -> QualityNotice | None:
        """A tick of that symbol could not be read or was refused as a whole: what we hold may be old."""
        feed.troubled = True
        if feed.episodes[Trouble.UNREADABLE].bad():
            text = f"{feed.symbol}: a tick could not be read, so its quotes are stale: {reason}"
            return QualityNotice(feed.symbol, Trouble.UNREADABLE, True, text)
        return None

    def is_silent(self, feed: SymbolFeed, mono_ns: int) -> bool:
        """Whether its quotes have been quiet for too long, told or not."""
        return mono_ns - feed.heard_mono_ns > self._stale_after_ns

    def silent(self, mono_ns: int) -> list[QualityNotice]:
        """Symbols that have just been quiet for too long, each told once until it ticks again."""
        notices = []
        for feed in self._feeds.values():
            quiet_ns = mono_ns - feed.heard_mono_ns
            if self.is_silent(feed, mono_ns) and feed.episodes[Trouble.SILENT].bad():
                feed.troubled = True
                quiet_s = round(quiet_ns / _NS_PER_S, 3)
                text = f"{feed.symbol}: no quote for {quiet_s:g} s"
                notices.append(QualityNotice(feed.symbol, Trouble.SILENT, True, text, quiet_s))
        return notices


_END_TEXT = {
    Trouble.SILENT: "quotes again",
    Trouble.SKEWED: "the gateway's clock agrees with ours again",
    Trouble.UNREADABLE: "quotes can be read again",
}
