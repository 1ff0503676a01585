"""The Kafka bus against bare confluent-kafka: the same broker, the same properties, in the same rounds.

    publish    the normaliser's fields → DataPlaneValidator → append → flush, until Kafka has all of it; bare is
               `produce` of bytes that are ready, with a delivery callback for each
    consume    fetch → StrategyPlaneValidator of a log of quotes; bare is `consume(500)` and nothing made of it
    latency    publish → fetch of one record at a time, on one loop; bare is produce → poll with a thread each

Goals: publish at least half of bare, consume at least 60,000 messages a second, latency at most 1.5 times bare. The
broker is the one at KAFKA_BOOTSTRAP_SERVERS, or one of our own on this machine's cores.
"""

from __future__ import annotations

import asyncio
import queue
import statistics
import threading
import time
from typing import Any

from benchmarks.bench_bus import quotes
from benchmarks.kafka_broker import broker
from benchmarks.measuring import percentiles, spread, verdict
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from algo_trade.bus import DataPlaneValidator, Earliest, KafkaAdapter, StrategyPlaneValidator
from algo_trade.bus.kafka_config import consumer_properties, producer_properties
from algo_trade.clock import Clock, run_real
from algo_trade.contracts import TOPICS, TickEvent
from algo_trade.settings.sections import KafkaSettings

ROUNDS = 5
EVENTS = 50_000
PINGS = 400
_EVENTS_A_TURN = 30  # as many as arrive while the loop is busy with something else
_NAMES = ("market_events", "order_intents")
_TOPICS = {name: TOPICS[name].model_copy(update={"partitions": 4}) for name in _NAMES}


def settings_of(servers: str, round_: int) -> KafkaSettings:
    """Topics of their own for each round, made here."""
    settings = KafkaSettings(bootstrap_servers=servers, topic_prefix=f"bench-{time.time_ns()}-{round_}-")
    topics = [NewTopic(settings.topic_prefix + name, topic.partitions, 1) for name, topic in _TOPICS.items()]
    client = AdminClient({"bootstrap.servers": servers})
    for future in client.create_topics(topics).values():
        future.result()
    return settings


# -- through the bus -------------------------------------------------------------------------------------
async def bus_publish(bus: KafkaAdapter, fields: list[dict[str, Any]]) -> float:
    border = DataPlaneValidator()
    began = time.perf_counter()
    for number, quote in enumerate(fields):
        tick = border.build(TickEvent, quote)
        bus.append("market_events", tick, key=tick.symbol)
        if number % _EVENTS_A_TURN == 0:
            await bus.drain()
            await asyncio.sleep(0)
    await bus.flush()
    return len(fields) / (time.perf_counter() - began)


async def bus_consume(bus: KafkaAdapter, count: int) -> float:
    border = StrategyPlaneValidator()
    began = time.perf_counter()
    reader = await bus.subscribe(["market_events"], start=Earliest())
    done = 0
    while done < count:
        for record in await reader.fetch():
            border.validate(record, TickEvent)
            done += 1
    rate = count / (time.perf_counter() - began)
    await reader.close()
    return rate


async def bus_pings(bus: KafkaAdapter, body: bytes) -> list[float]:
    """Milliseconds from `publish` until the reader's `fetch` returns the record."""
    reader = await bus.subscribe(["market_events"])
    took_ms = []
    for _ in range(PINGS):
        began = time.perf_counter()
        publishing = asyncio.create_task(bus.publish("market_events", body, key="SPY"))
        await reader.fetch()
        took_ms.append((time.perf_counter() - began) * 1000)
        await publishing
        await asyncio.sleep(0.002)
    await reader.close()
    return took_ms


# -- bare ------------------------------------------------------------------------------------------------
def bare_publish(settings: KafkaSettings, topic: str, bodies: list[bytes]) -> float:
    producer = Producer(producer_properties(settings, "bare", orders=False))
    producer.poll(0)
    delivered = 0

    def on_delivery(_error: object, _message: Message) -> None:
        nonlocal delivered
        delivered += 1

    began = time.perf_counter()
    for number, body in enumerate(bodies):
        producer.produce(topic, body, ("SPY", "QQQ", "IWM")[number % 3], on_delivery=on_delivery)
        if number % _EVENTS_A_TURN == 0:
            producer.poll(0)
    producer.flush()
    assert delivered == len(bodies)
    return len(bodies) / (time.perf_counter() - began)


def bare_consumer(settings: KafkaSettings, topic: str, offset: int) -> Consumer:
    properties = consumer_properties(settings, "bare", "bare", None) | {
        "enable.partition.eof": False,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(properties)
    consumer.assign([TopicPartition(topic, n, offset) for n in range(_TOPICS["market_events"].partitions)])
    return consumer


def bare_consume(settings: KafkaSettings, topic: str, count: int) -> float:
    began = time.perf_counter()
    consumer = bare_consumer(settings, topic, 0)
    done = 0
    while done < count:
        done += len(consumer.consume(500, 0.1))
    rate = count / (time.perf_counter() - began)
    consumer.close()
    return rate


def bare_pings(settings: KafkaSettings, topic: str, body: bytes) -> list[float]:
    """The same with a thread that polls and a thread that produces, and nothing between them but a queue."""
    producer = Producer(producer_properties(settings, "bare", orders=False))
    consumer = bare_consumer(settings, topic, -1)
    arrived: queue.Queue[float] = queue.Queue()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            message = consumer.poll(0.05)
            if message is not None and message.error() is None:
                arrived.put(time.perf_counter())

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(1)  # until its assignment has found the end
    took_ms = []
    for _ in range(PINGS):
        began = time.perf_counter()
        producer.produce(topic, body, "SPY")
        took_ms.append((arrived.get() - began) * 1000)
        producer.poll(0)
        time.sleep(0.002)
    stop.set()
    thread.join()
    consumer.close()
    return took_ms


def one_round(settings: KafkaSettings, fields: list[dict[str, Any]]) -> dict[str, Any]:
    topic = settings.topic_prefix + "market_events"
    bodies = [TickEvent(**quote).encode() for quote in fields]

    async def through_the_bus(clock: Clock) -> dict[str, Any]:
        bus = KafkaAdapter(settings, clock=clock, topics=_TOPICS)
        await bus.open()
        await bus.publish("market_events", bodies[0], key="SPY")
        results = {
            "publish": await bus_publish(bus, fields),
            "consume": await bus_consume(bus, len(fields)),
            "pings": await bus_pings(bus, bodies[0]),
        }
        await bus.close()
        return results

    results = run_real_and_keep(through_the_bus)
    results["bare publish"] = bare_publish(settings, topic, bodies)
    results["bare consume"] = bare_consume(settings, topic, len(fields))
    results["bare pings"] = bare_pings(settings, topic, bodies[0])
    return results


def run_real_and_keep(main: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}

    async def scenario(clock: Clock) -> None:
        kept.update(await main(clock))

    run_real(scenario)
    return kept


def main() -> None:
    fields = list(quotes(EVENTS))
    rows: dict[str, list[float]] = {}
    pings: dict[str, list[float]] = {"pings": [], "bare pings": []}
    with broker() as servers:
        for round_ in range(ROUNDS):
            results = one_round(settings_of(servers, round_), fields)
            for label in pings:
                pings[label] += results.pop(label)
            for label, value in results.items():
                rows.setdefault(label, []).append(value)
    print(f"Kafka bus, {EVENTS:,} quotes and {PINGS} single records a round, n = {ROUNDS} rounds")
    for label, values in rows.items():
        print(f"  {label:<14} {spread(values, 'msg/s')}")
    for label, values in pings.items():
        print(f"  {label:<14} {percentiles([1000 * value for value in values], 'us')}, n = {len(values)}")
    ratios = [ours / bare for ours, bare in zip(rows["publish"], rows["bare publish"], strict=True)]
    print(f"  publish to bare      {spread(ratios, 'x')}")
    print(f"                       {verdict(statistics.median(ratios), 0.5, at_most=False)}")
    print(f"  consume, msg/s       {verdict(statistics.median(rows['consume']), 60_000, at_most=False)}")
    ratio = statistics.median(pings["pings"]) / statistics.median(pings["bare pings"])
    print(f"  latency p50 to bare  {ratio:.2f} x; {verdict(ratio, 1.5, at_most=True)}")


if __name__ == "__main__":
    main()
