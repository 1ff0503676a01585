"""Every number the gateway hands out: order ids per client, permanent ids, execution ids, order priorities.

Permanent and execution ids start at a place that depends on the seed and the simulator's first start, so two
simulators do not hand out the same ones, and one in virtual time always does.
"""

from __future__ import annotations

from typing import Any

from algo_trade.clock import rng

_PERM_ID_FROM, _PERM_ID_TO = 1_000_000_000, 2_000_000_000
_NS = 1_000_000_000


class Ids:
    """Counters; `facts` is their state for the store."""

    def __init__(self, seed: int, origin_ns: int) -> None:
        generator = rng(seed, "ids", str(origin_ns))
        self._perm_id = generator.randrange(_PERM_ID_FROM, _PERM_ID_TO)
        self._exec_host = f"{generator.randrange(2**16):08x}"
        self._exec_base = origin_ns // _NS
        self._executions = 0
        self._priority = 0
        self._next_order_id: dict[int, int] = {}

    def next_order_id(self, client_id: int) -> int:
        """The lowest order id this client has not used."""
        return self._next_order_id.get(client_id, 1)

    def use_order_id(self, client_id: int, order_id: int) -> None:
        """The client used an order id: it and all below it are gone."""
        self._next_order_id[client_id] = max(self.next_order_id(client_id), order_id + 1)

    def roll_back(self, count: int) -> dict[int, int]:
        """Forget the last order ids of every client; returns the next one of each."""
        for client_id, order_id in self._next_order_id.items():
            self._next_order_id[client_id] = max(1, order_id - count)
        return dict(self._next_order_id)

    def new_perm_id(self) -> int:
        self._perm_id += 1
        return self._perm_id

    def new_exec_id(self) -> str:
        """`0000e0d5.69dd7411.01.01`: host, number, leg, and correction."""
        self._executions += 1
        return f"{self._exec_host}.{(self._exec_base + self._executions) & 0xFFFFFFFF:08x}.01.01"

    def new_priority(self) -> int:
        self._priority += 1
        return self._priority

    @property
    def facts(self) -> dict[str, Any]:
        """The counters by name, as `restore` takes them."""
        return {
            "next_order_ids": {str(client): number for client, number in self._next_order_id.items()},
            "counters": [self._perm_id, self._executions, self._priority],
        }

    def restore(self, facts: dict[str, Any]) -> None:
        if "counters" in facts:
            self._perm_id, self._executions, self._priority = facts["counters"]
            self._next_order_id = {int(client): number for client, number in facts["next_order_ids"].items()}
