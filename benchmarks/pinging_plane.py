"""One plane of the pinging session in a process of its own; says "ready" when it has begun, and goes on until killed.

python -m benchmarks.pinging_plane data|strategy|order PLACE HOST PORT
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.pinging_session import pinging_plan

from algo_trade.bus import KafkaAdapter
from algo_trade.cli.collector import prepare_collector
from algo_trade.clock import Clock, run_real
from algo_trade.session.data_process import DataProcess
from algo_trade.session.order_process import OrderProcess
from algo_trade.session.plan import claim_directory
from algo_trade.session.plane_process import PlaneProcess
from algo_trade.session.strategy_process import StrategyProcess


def main() -> None:
    kinds: dict[str, type[PlaneProcess]] = {
        kind.name: kind for kind in (DataProcess, StrategyProcess, OrderProcess)
    }
    name, place, host, port = sys.argv[1:]
    plan = pinging_plan(Path(place), host, int(port), synchronous="normal", bus="kafka")
    if not plan.resumed and not claim_directory(plan):
        plan = pinging_plan(Path(place), host, int(port), synchronous="normal", bus="kafka")

    async def body(clock: Clock) -> BaseException | None:
        process = kinds[name](plan, clock, KafkaAdapter(plan.settings.kafka, clock=clock, role=name))
        begin = process.begin

        async def begun(stack: AsyncExitStack) -> None:
            await begin(stack)
            print("ready", flush=True)

        process.begin = begun  # type: ignore[method-assign]  # the only moment a benchmark must know of
        return await process.run()

    prepare_collector()
    error = run_real(body)
    if error is not None:
        raise error


if __name__ == "__main__":
    main()
