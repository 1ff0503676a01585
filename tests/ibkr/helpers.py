"""A handler on a virtual loop, against a scripted gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tests.ibkr.scripted import ACCOUNT, HOST, PORT, Gateway, Script

from algo_trade.clock import Clock, rng, run_virtual
from algo_trade.ibkr.events import Event, LinkChanged
from algo_trade.ibkr.handler import IBKRHandler
from algo_trade.settings.sections import IbkrSettings

T = TypeVar("T")


def settings(**changes: Any) -> IbkrSettings:
    """What the tests connect with, unless they say otherwise."""
    values: dict[str, Any] = {"account_id": ACCOUNT, "host": HOST, "port": PORT, "timeout_sec": 5.0}
    return IbkrSettings(**values | changes)


class Session:
    """A gateway and a handler, and everything the handler's listeners heard about the link."""

    def __init__(self, gateway: Gateway, handler: IBKRHandler) -> None:
        self.gateway = gateway
        self.handler = handler
        self.links: list[LinkChanged] = []
        handler.listen(LinkChanged, self.links.append)

    @property
    def states(self) -> list[str]:
        """The states gone through, repetitions left out."""
        states = [link.state for link in self.links]
        return [state for at, state in enumerate(states) if at == 0 or states[at - 1] != state]

    def heard(self, kind: type[Event]) -> list[Any]:
        """A list that fills with later events of a kind."""
        events: list[Any] = []
        self.handler.listen(kind, events.append)
        return events


def session(
    body: Callable[[Session], Awaitable[T]],
    script: Script | None = None,
    *,
    connect: bool = True,
    **changes: Any,
) -> T:
    """Run `body` with a listening gateway and, unless told otherwise, a connected handler."""

    async def main(clock: Clock) -> T:
        gateway = Gateway(script)
        await gateway.start()
        handler = IBKRHandler(settings(**changes), clock, rng(7, "ibkr"))
        both = Session(gateway, handler)
        try:
            if connect:
                await handler.start()
            return await body(both)
        finally:
            await handler.close()

    return run_virtual(main)
