"""A client that is not ours: ib_async's own `IB`, unmodified, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

_PROGRAM = """
import json, sys
from ib_async import IB
ib = IB()
ib.connect(sys.argv[1], int(sys.argv[2]), clientId=77, timeout=20)
rows = [
    [fill.execution.execId, fill.execution.shares, fill.execution.price, fill.contract.symbol, fill.execution.orderRef]
    for fill in ib.reqExecutions()
]
ib.disconnect()
print(json.dumps(rows))
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One execution as the other client was told it."""

    exec_id: str
    shares: int
    price: float
    symbol: str
    order_ref: str


def executions_seen_by_ib_async(host: str, port: int) -> list[Seen]:
    """What `reqExecutions` answers: every execution since midnight, of all clients."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, host, str(port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    rows = json.loads(done.stdout.splitlines()[-1])
    return [Seen(exec_id, int(shares), price, symbol, ref) for exec_id, shares, price, symbol, ref in rows]
