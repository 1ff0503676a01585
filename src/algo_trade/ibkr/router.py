"""From frames to whoever listens.

Routing is by type of event, to listeners in the order they asked. A listener that raises is a defect of ours,
never of the gateway: the others still hear the event, the reader goes on, and the defect is reported once to
`on_bug`, whose owner ends the session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from algo_trade.ibkr.breadth import Breadth
from algo_trade.ibkr.decode import WireDecoder
from algo_trade.ibkr.events import Event

E = TypeVar("E", bound=Event)
# Ours to decode, even where nobody waits for what they say any more.
_MARKET = (b"99\0", b"1\0", b"2\0", b"17\0", b"45\0", b"46\0", b"50\0")
Listener = Callable[[Event], None]


class Router:
    """Events of every connection in turn, to listeners that outlive them."""

    def __init__(self, on_bug: Callable[[Exception], None]) -> None:
        self._on_bug = on_bug
        self._listeners: dict[type, tuple[Listener, ...]] = {}

    def listen(self, kind: type[E], listener: Callable[[E], None]) -> None:
        """Call `listener` with every later event of exactly this type."""
        self._listeners[kind] = (*self._listeners.get(kind, ()), cast(Listener, listener))

    def route(self, event: Event) -> None:
        for listener in self._listeners.get(type(event), ()):
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001  # whatever a listener raises is reported, and ends the session
                self._on_bug(error)

    def frames(self, decoder: WireDecoder, breadth: Breadth, payloads: list[bytes], arrival_ns: int) -> None:
        """Decode and route what arrived together."""
        for payload in payloads:
            event = decoder.decode(payload, arrival_ns)
            if event is not None:
                self.route(event)
            elif not payload.startswith(_MARKET):
                for call in breadth.decode(payload, arrival_ns):
                    self.route(call)
