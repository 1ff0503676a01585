"""The only door to time, randomness, ids and the event loop.

Everything else in the package takes a `Clock`, a `random.Random` and an `IdSource` as arguments and runs on
whatever loop is running. That is what lets one program trade in real time over TCP and rehearse six hours
in two minutes, from one seed, with the same decisions.
"""

from algo_trade.clock.discipline import kernel_keeps_time
from algo_trade.clock.loop_thread import LoopThread
from algo_trade.clock.runner import Interrupts, run_real, run_virtual
from algo_trade.clock.seeds import IdSource, SeededIds, SystemIds, rng
from algo_trade.clock.time import (
    VIRTUAL_START_NS,
    Clock,
    LoopClock,
    SystemClock,
    from_utc,
    new_york,
    ns_from_seconds,
    utc,
)
from algo_trade.clock.virtual_loop import NothingLeftToWaitFor, VirtualLoop

__all__ = [
    "VIRTUAL_START_NS",
    "Clock",
    "IdSource",
    "Interrupts",
    "LoopClock",
    "LoopThread",
    "NothingLeftToWaitFor",
    "SeededIds",
    "SystemClock",
    "SystemIds",
    "VirtualLoop",
    "from_utc",
    "kernel_keeps_time",
    "new_york",
    "ns_from_seconds",
    "rng",
    "run_real",
    "run_virtual",
    "utc",
]
