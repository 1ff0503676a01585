"""What the planes of a session tell one another, read from session_events.

Planes in processes of their own share nothing but the bus. Three things they must know of each other: that the session
has ended, that the kill switch holds, and how another plane is.
"""

from __future__ import annotations

import asyncio
from typing import Literal, TypeVar, get_args

from algo_trade.bus import AtTime, Bus, Invalid, Subscription
from algo_trade.bus.validation import Validator
from algo_trade.contracts import SessionEvent, SessionEventKind
from algo_trade.session.log import TOPIC, SessionLog

T = TypeVar("T")
# A plane that breaks says "ended" if it can, and may be started again; only a strategy at fault must not be.
PlaneState = Literal["started", "ending", "ended", "at fault"]
_STATES: dict[str, PlaneState] = {state: state for state in get_args(PlaneState)}


class BulletinReader(Validator):
    """One that cannot be read is passed over: the planes write these themselves, and nothing in it can be acted on."""

    name = "BulletinReader"


class Bulletin:
    """`run` is a task of its owner. The futures are done for good once what they are named for has happened."""

    def __init__(self, bus: Bus, session_id: str, since_ns: int) -> None:
        self._bus = bus
        self._session_id = session_id
        self._since_ns = since_ns
        self._validator = BulletinReader()
        self._changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.orders_ending: asyncio.Future[None] = loop.create_future()  # nothing new is traded from here on
        self.session_ended: asyncio.Future[None] = loop.create_future()
        self.kill_latched: asyncio.Future[None] = loop.create_future()
        self.strategy_fault: asyncio.Future[str] = loop.create_future()  # in its own words
        self.planes: dict[str, PlaneState] = {}

    async def run(self) -> None:
        """Read from the session's start on. Raises BusError."""
        subscription: Subscription = await self._bus.subscribe([TOPIC], start=AtTime(self._since_ns))
        while records := await subscription.fetch():
            for record in records:
                try:
                    event = self._validator.validate(record, SessionEvent)
                except Invalid:
                    continue
                if event.session_id == self._session_id:
                    self._fold(event)
            self._changed.set()

    async def until_ended(self, *planes: str) -> None:
        """Wait until each of these planes has said that it has ended."""
        while not all(self.planes.get(plane) in ("ended", "at fault") for plane in planes):
            self._changed.clear()
            await self._changed.wait()

    def _fold(self, event: SessionEvent) -> None:
        if event.kind is SessionEventKind.SESSION_ENDED:
            _done(self.session_ended, None)
        elif event.kind is SessionEventKind.KILL_LATCHED:
            _done(self.kill_latched, None)
        elif event.kind is SessionEventKind.PLANE_STATE:
            plane, state = str(event.data.get("plane")), str(event.data.get("state"))
            if state in _STATES:
                self.planes[plane] = _STATES[state]
                if state == "at fault":
                    _done(self.strategy_fault, event.text)
                if (plane, state) == ("order", "ending"):
                    _done(self.orders_ending, None)


def say(log: SessionLog, plane: str, state: PlaneState, text: str) -> None:
    """Tell the others how this plane is."""
    log(SessionEventKind.PLANE_STATE, text, data={"plane": plane, "state": state})


def _done(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
