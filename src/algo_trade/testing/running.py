"""A simulated gateway in a thread of its own: every method may be called from the test's thread, and waits."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from algo_trade.clock import LoopThread
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig, Ticket
from algo_trade.gateway_sim.control.status import order, status
from algo_trade.gateway_sim.faults.table import FAULT, Fault

_HOST = "127.0.0.1"


class RunningSimulator:
    """A gateway that listens on a free port of this machine from the moment it is made until `stop`.

    Without a configuration it has the default symbols, and answers at once: acknowledgements and fills take 1 ms.
    """

    def __init__(self, config: SimulatorConfig | None = None) -> None:
        self.config = SimulatorConfig(ack_ms=1.0, fill_ms=1.0) if config is None else config
        self._loop = LoopThread("gateway simulator")
        self._stopped = False
        try:
            self._simulator: GatewaySimulator = self._loop.run(self._start())
        except BaseException:
            self._loop.stop()
            raise
        self.host, self.port = self._simulator.address

    async def _start(self) -> GatewaySimulator:
        simulator = GatewaySimulator(self.config)
        await simulator.start(_HOST, 0)
        return simulator

    def status(self) -> dict[str, Any]:
        """Clients, orders, positions, market, clock, limits, faults: what `algotrade sim status --json` prints."""
        return self._loop.call(status, self._simulator)

    def fault(self, kind: str | Fault, **parameters: Any) -> None:
        """Make something go wrong: `fault("silent", seconds=5)`, or a fault of `algo_trade.gateway_sim.faults`.

        Raises ValueError for a fault there is not, or that cannot happen now.
        """
        given = FAULT.validate_python({"kind": kind, **parameters}) if isinstance(kind, str) else kind
        self._loop.call(lambda: self._simulator.faults.arm(given))

    def clear_faults(self) -> None:
        """End everything that is armed, as if its time had come."""
        self._loop.call(lambda: self._simulator.faults.clear())

    def place_manual_order(self, symbol: str, action: str, quantity: int, **more: Any) -> dict[str, Any]:
        """Trade by hand, beside the client under test: type, limit, stop and tif may be given. Returns the order."""
        ticket = Ticket.model_validate({"symbol": symbol, "action": action, "quantity": quantity, **more})
        return order(self._loop.call(self._simulator.place_manual_order, ticket))

    def cancel_order(self, perm_id: int) -> dict[str, Any]:
        """Cancel any order by hand."""
        return order(self._loop.call(self._simulator.cancel_order, perm_id))

    def stop(self) -> None:
        """Close every connection and end the thread. Stopping twice is once."""
        if not self._stopped:
            self._stopped = True
            self._loop.run(self._simulator.stop())
            self._loop.stop()

    def __enter__(self) -> RunningSimulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
