"""Why a symbol is halted: because somebody scheduled it, or because its price ran away.

A scheduled halt is written `SPY=11:00+5m`: New York time, on every day that is open then. The price band stands for
limit up and limit down: a trade further from the mean of the last five minutes' trades than the band allows does not
happen; the symbol pauses instead. What a halt does to the quotes is in `tape`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

from algo_trade.gateway_sim.errors import HaltError

_FORM = re.compile(r"(?P<symbol>[^=]+)=(?P<hour>\d{1,2}):(?P<minute>\d\d)\+(?P<count>\d{1,5})(?P<unit>[hms])")
_UNIT_S = {"h": 3600, "m": 60, "s": 1}
_NS = 1_000_000_000
_DAY_S = 86_400
_OPENS_MINUTE, _CLOSES_MINUTE = 570, 960

PAUSE_NS = 300 * _NS
"""How long a symbol that left its band pauses, in market time."""
REFERENCE_NS = 300 * _NS
"""The trades that the band is measured from are less old than this."""


class ScheduledHalt(NamedTuple):
    """`minute_of_day` counts from midnight in New York."""

    symbol: str
    minute_of_day: int
    duration_ns: int


def parse_halt(text: str) -> ScheduledHalt:
    """A halt as a person writes it, `SPY=11:00+5m`; raises HaltError."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise HaltError(f"{text!r} is no halt; write it like SPY=11:00+5m (New York time, then h, m or s)")
    hour, minute = int(match["hour"]), int(match["minute"])
    duration_s = int(match["count"]) * _UNIT_S[match["unit"]]
    if hour > 23 or minute > 59:
        raise HaltError(f"{text!r}: there is no {match['hour']}:{match['minute']}")
    if not 0 < duration_s < _DAY_S:
        raise HaltError(f"{text!r}: a halt lasts at least a second and less than a day")
    return ScheduledHalt(match["symbol"].strip().upper(), hour * 60 + minute, duration_s * _NS)


def check_halts(
    halts: Iterable[ScheduledHalt],
    symbols: Collection[str],
    recorded: Collection[str],
    *,
    regular: bool,
) -> None:
    """Whether there can be these halts; raises HaltError naming all that cannot be."""
    wrong = []
    for halt in halts:
        hour, minute = divmod(halt.minute_of_day, 60)
        if halt.symbol in recorded:
            wrong.append(
                f"{halt.symbol} is recorded: a recorded day is served as it was, its own halts included"
            )
        elif halt.symbol not in symbols:
            wrong.append(f"{halt.symbol} has no market here")
        elif regular and not _OPENS_MINUTE <= halt.minute_of_day < _CLOSES_MINUTE:
            wrong.append(f"{halt.symbol} at {hour:02}:{minute:02}: the exchange is closed then")
    if wrong:
        raise HaltError(f"cannot halt: {'; '.join(dict.fromkeys(wrong))}")


class PriceBand:
    """How far a trade may be from those of the last five minutes. `width` is a part of their mean price."""

    def __init__(self, width: float) -> None:
        self._width = width
        self._trades: deque[tuple[int, int]] = deque()
        self._sum_e4 = 0

    def allows(self, offset_ns: int, price_e4: int) -> bool:
        """Whether a trade at this price may happen now; if so it counts from now on. The first one may."""
        trades = self._trades
        while trades and trades[0][0] <= offset_ns - REFERENCE_NS:
            self._sum_e4 -= trades.popleft()[1]
        count = len(trades)
        if count and abs(price_e4 * count - self._sum_e4) > self._width * self._sum_e4:
            return False
        trades.append((offset_ns, price_e4))
        self._sum_e4 += price_e4
        return True

    def restart(self) -> None:
        """After a pause the reopening is the first trade."""
        self._trades.clear()
        self._sum_e4 = 0
