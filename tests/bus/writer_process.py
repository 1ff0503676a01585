"""A bus writer of its own process, for the tests that kill it. Prints a line for each thing that was acknowledged.

published OFFSET APPENDED    the record is durable, and so are APPENDED records of market_raw
flushed APPENDED             APPENDED records of market_raw are durable
committed OFFSET             the group resumes at OFFSET of the order topic or later
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from algo_trade.bus import Earliest, EmbeddedBus
from algo_trade.clock import Clock, SystemIds, run_real

MARKET_TOPIC, ORDER_TOPIC, GROUP = "market_raw", "dlq_order_intents", "g"


def body(number: int) -> bytes:
    """What record `number` must say."""
    return b"%d " % number * (1 + number % 40)


async def write_for_ever(clock: Clock, place: Path, seed: int) -> None:
    """Until somebody kills us."""
    chance = random.Random(seed)
    bus = EmbeddedBus(place, clock=clock, ids=SystemIds(), group_commit_ms=5)
    await bus.open()
    reader = await bus.subscribe([ORDER_TOPIC], group=GROUP, start=Earliest())
    while True:
        action = chance.random()
        if action < 0.6:
            for _ in range(chance.randrange(1, 30)):
                number = (await bus.head(MARKET_TOPIC))[0]
                bus.append(MARKET_TOPIC, body(number), key=f"{number % 3}")
        elif action < 0.85:
            number = (await bus.head(ORDER_TOPIC))[0]
            record = await bus.publish(ORDER_TOPIC, body(number), key="k")
            say(f"published {record.offset} {(await bus.head(MARKET_TOPIC))[0]}")
        elif action < 0.9:
            await bus.flush()
            say(f"flushed {(await bus.head(MARKET_TOPIC))[0]}")
        elif reader.position()[ORDER_TOPIC, 0] < (await bus.head(ORDER_TOPIC))[0]:
            record = (await reader.fetch(3))[-1]
            await reader.commit(record)
            say(f"committed {record.offset + 1}")
        else:
            await asyncio.sleep(chance.random() / 100)  # lets the group commit's timer fire


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run_real(lambda clock: write_for_ever(clock, Path(sys.argv[1]), int(sys.argv[2])))
