"""May an order leave?

The gate is shut whenever order truth may have changed behind our back: no connection, IBKR unreachable behind
the gateway, the link just (re)made, or a message about orders that could not be read. Only whoever has
reconciled may open it, and only for what it has seen: `epoch` counts the reasons, and opening with an old
epoch fails, so that trouble in the middle of a reconciliation cannot be overlooked.

Cancels do not pass the gate: they only make exposure smaller.
"""

from __future__ import annotations

from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.events import ConnectivityChanged, LinkChanged, Plane, Undecodable


class OrderGate:
    """Shut from the start."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.epoch = 0
        self.reason: str | None = "not reconciled yet"  # None: open
        self._upstream_up = True
        connection.router.listen(LinkChanged, self._on_link)
        connection.router.listen(ConnectivityChanged, self._on_connectivity)
        connection.router.listen(Undecodable, self._on_undecodable)

    def shut(self, reason: str) -> None:
        """No order leaves until somebody has reconciled again."""
        self.epoch += 1
        self.reason = reason

    def open(self, epoch: int) -> bool:
        """Let orders through if nothing has happened since `epoch` was read, before reconciling."""
        if epoch != self.epoch or not self._connection.connected or not self._upstream_up:
            return False
        self.reason = None
        return True

    def _on_link(self, event: LinkChanged) -> None:
        if not self._connection.connected:
            self._upstream_up = True  # until the next link says otherwise, which it may before it is ready
        self.shut(f"the connection is {event.state}; not reconciled since")

    def _on_connectivity(self, event: ConnectivityChanged) -> None:
        self._upstream_up = event.upstream_up
        if not event.upstream_up or event.reconcile:
            self.shut(f"{event.code} {event.text}")

    def _on_undecodable(self, event: Undecodable) -> None:
        if event.plane is Plane.ORDERS:
            self.shut(f"message {event.message_id} could not be decoded: {event.reason}")
