"""What happened to the session, line by line: starts, the gateway's coming and going, alarms, the stop, the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from algo_trade.clock import from_utc
from algo_trade.contracts import SessionEvent, SessionEventKind

# These have tables of their own, or say every time that nothing is wrong.
_ELSEWHERE = (SessionEventKind.GATEWAY_ERROR, SessionEventKind.BROKER_CHECK)


@dataclass(frozen=True, slots=True)
class Happening:
    """`n` events one after the other that say the same; UTC epoch ns of the first."""

    at_ns: int
    kind: str
    severity: str
    symbol: str | None
    text: str
    n: int


def timeline_of(events: Sequence[SessionEvent]) -> tuple[Happening, ...]:
    """In the order of the log, without what has a table of its own; repetitions are counted."""
    found: list[Happening] = []
    for event in events:
        if event.kind in _ELSEWHERE:
            continue
        said = (str(event.kind), str(event.severity), event.symbol, event.text)
        if found and (found[-1].kind, found[-1].severity, found[-1].symbol, found[-1].text) == said:
            last = found.pop()
            found.append(Happening(last.at_ns, *said, last.n + 1))
        else:
            found.append(Happening(from_utc(event.timestamp), *said, 1))
    return tuple(found)
