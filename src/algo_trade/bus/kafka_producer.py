"""Writing to Kafka: two producers, their threads, and who waits for what.

Orders and market data have a producer each, because how long a record waits for company (linger) belongs to the
producer: an intent shall not wait at all. `produce` only puts a record into librdkafka's queue and is called on the
loop, so the order of the calls is the order of each key; the producer's thread does nothing but poll, which is what
runs the delivery callbacks.

**Who waits for what.** Deliveries of different partitions come in any order, and `publish` may return only when all
that was appended before it is delivered, too. So what is written is cut into stretches: each publish and each flush
ends one. A stretch is done when as many records of it were delivered as were sent, and stretches are done in their
order. All appends of a stretch share one callback object that counts, so an append makes no closure and no future.

**What waits is bounded.** Kafka being away is no error here: records wait as long as it lasts, none is given up. Beyond
BACKLOG_RECORDS or BACKLOG_BYTES an append is refused, and `room` waits until half of it has gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from algo_trade.bus.errors import BusBacklog, BusError, BusStop, BusUnreachable, BusUnusable
from algo_trade.bus.kafka_config import Properties
from algo_trade.bus.kafka_errors import bus_error
from algo_trade.bus.kafka_thread import ClientThread
from algo_trade.bus.port import Headers

BACKLOG_RECORDS = 100_000
BACKLOG_BYTES = 64 * 1024 * 1024

_POLL_S = 0.1  # how long a poll waits for a first delivery; only `close` notices


class Count:
    """The delivery callback of the appends of one stretch on one lane, and how many there are."""

    __slots__ = ("done", "lane", "sent")

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.sent = 0  # the loop's
        self.done = 0  # the thread's

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        """Producer's thread."""
        lane = self.lane
        lane.done_bytes += len(message)
        lane.done += 1
        if error is not None:
            lane.lost = error
        self.done += 1


class Delivery(Count):
    """The same for the one record of a publish: where it came to lie, or why Kafka refused it."""

    __slots__ = ("error", "offset", "partition")

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane)
        self.sent = 1
        self.error: KafkaError | None = None
        self.partition = self.offset = -1

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        """Producer's thread."""
        lane = self.lane
        lane.done_bytes += len(message)
        lane.done += 1
        self.error = error
        self.partition = message.partition()  # type: ignore[assignment]  # a delivered record has one
        self.offset = message.offset()  # type: ignore[assignment]  # as above
        self.done += 1


class Lane:
    """One producer and its thread. `done` and `lost` are written by the thread, `sent` by the loop."""

    def __init__(self, writer: Writer, properties: Properties, name: str) -> None:
        self.sent = self.sent_bytes = self.done = self.done_bytes = 0
        self.lost: KafkaError | None = None  # an appended record that Kafka refused: a gap
        self.open = Count(self)
        self._writer = writer
        self._told = False
        self.producer = Producer({**properties, "error_cb": self._on_error})
        self.thread = ClientThread(name, self._turn, self._end, writer.failed)
        self.thread.start()

    def _turn(self) -> None:
        """Thread. `poll` waits for a first delivery and then serves all there are."""
        if self.producer.poll(_POLL_S) and not self._told:
            self._told = True
            self.thread.post(self._progress)

    def _progress(self) -> None:
        """Loop."""
        self._told = False  # before the counts are read: what comes later tells again
        self._writer.progress()

    def _on_error(self, error: KafkaError) -> None:
        """Thread: of the client as a whole, not of a record."""
        self.thread.post(self._writer.client_error, error)

    def _end(self) -> None:
        """Thread. What is still queued is given up: `close` has waited for it as long as it would."""
        self.producer.purge(blocking=False)
        self.producer.poll(0)
        del self.producer


class Stretch:
    """Appends, and the publish or flush that ends them."""

    __slots__ = ("counts", "delivery", "waiter")

    def __init__(self, counts: list[Count], waiter: asyncio.Future[None], delivery: Delivery | None) -> None:
        self.counts = counts
        self.waiter = waiter
        self.delivery = delivery

    def is_done(self) -> bool:
        return all(count.done == count.sent for count in self.counts)

    def resolve(self) -> None:
        if self.waiter.done():
            return
        if self.delivery is not None and self.delivery.error is not None:
            self.waiter.set_exception(
                bus_error(self.delivery.error, "the record was not written", otherwise=BusUnusable)
            )
        else:
            self.waiter.set_result(None)


class Writer:
    """Both lanes. Everything here runs on the loop; `on_client_error` hears of connections, `on_broken` of the end."""

    def __init__(
        self,
        market: Properties,
        orders: Properties,
        *,
        on_client_error: Callable[[KafkaError], None],
        on_broken: Callable[[], None],
    ) -> None:
        self.broken: BusStop | None = None
        self.client_error = on_client_error
        self._on_broken = on_broken
        self._stretches: deque[Stretch] = deque()
        self._room: list[asyncio.Future[None]] = []
        self.market = Lane(self, market, "kafka-producer-market")
        self.orders = Lane(self, orders, "kafka-producer-orders")

    # -- what waits ----------------------------------------------------------------------------------
    def waiting(self) -> int:
        """Records written and not yet delivered."""
        return self.market.sent - self.market.done + self.orders.sent - self.orders.done

    def _waiting_bytes(self) -> int:
        market, orders = self.market, self.orders
        return market.sent_bytes - market.done_bytes + orders.sent_bytes - orders.done_bytes

    def _is_full(self, part: float = 1.0) -> bool:
        return self.waiting() >= BACKLOG_RECORDS * part or self._waiting_bytes() >= BACKLOG_BYTES * part

    async def room(self, part: float = 0.5) -> None:
        """Wait until less than this part of the backlog waits, as long as it takes. Raises BusStop."""
        self.check()
        while self._is_full(part):
            waiter = asyncio.get_running_loop().create_future()
            self._room.append(waiter)
            await waiter
            self.check()

    def check(self) -> None:
        """Raises what broke the producers."""
        if self.broken is not None:
            raise type(self.broken)(*self.broken.args) from self.broken

    # -- writing -------------------------------------------------------------------------------------
    def append(
        self, lane: Lane, topic: str, value: bytes, key: str | None, headers: Headers, time_ms: int
    ) -> None:
        """Raises BusBacklog, BusStop."""
        self.check()
        if self._is_full():
            raise BusBacklog(f"{self.waiting()} records wait for Kafka; drain() waits for room")
        self._produce(lane, lane.open, topic, value, key, headers, time_ms)
        lane.open.sent += 1

    async def publish(
        self, lane: Lane, topic: str, value: bytes, key: str | None, headers: Headers, time_ms: int
    ) -> Delivery:
        """Returns when the record, and all that was written before it, is delivered. Raises BusRefuse, BusStop."""
        self.check()
        delivery = Delivery(lane)
        while True:
            await self.room(1.0)
            try:
                self._produce(lane, delivery, topic, value, key, headers, time_ms)
                break
            except BusBacklog:
                # librdkafka's own bound was met first, which counts keys and headers. Any delivery may have made room.
                waiter = asyncio.get_running_loop().create_future()
                self._room.append(waiter)
                await waiter
        await self._end_stretch(delivery)
        return delivery

    def _produce(
        self,
        lane: Lane,
        count: Count,
        topic: str,
        value: bytes,
        key: str | None,
        headers: Headers,
        time_ms: int,
    ) -> None:
        try:
            if headers:
                lane.producer.produce(topic, value, key, -1, count, None, time_ms, list(headers))
            else:
                lane.producer.produce(topic, value, key, -1, count, None, time_ms)
        except BufferError:
            raise BusBacklog(f"{self.waiting()} records wait for Kafka; drain() waits for room") from None
        except KafkaException as error:
            raise self._noted(bus_error(error.args[0], topic, otherwise=BusUnusable)) from None
        lane.sent += 1
        lane.sent_bytes += len(value)

    async def flush(self) -> None:
        """Returns when all that was written before is delivered. Raises BusStop."""
        self.check()
        if self.waiting():
            await self._end_stretch(None)
        self.check()

    def _end_stretch(self, delivery: Delivery | None) -> asyncio.Future[None]:
        counts: list[Count] = []
        for lane in (self.market, self.orders):
            if lane.open.sent:
                counts.append(lane.open)
                lane.open = Count(lane)
        if delivery is not None:
            counts.append(delivery)
        stretch = Stretch(counts, asyncio.get_running_loop().create_future(), delivery)
        self._stretches.append(stretch)
        return stretch.waiter

    # -- what comes back -----------------------------------------------------------------------------
    def progress(self) -> None:
        """Some records were delivered or refused."""
        lost = self.market.lost or self.orders.lost
        if lost is not None:
            self._noted(
                BusUnusable(f"Kafka refused a record that was appended: {lost.str()} ({lost.name()})")
            )
            return
        stretches = self._stretches
        while stretches and stretches[0].is_done():
            stretches.popleft().resolve()
        if self._room and not self._is_full(0.5):
            self._let_in()

    def _let_in(self) -> None:
        for waiter in self._room:
            if not waiter.done():
                waiter.set_result(None)
        self._room.clear()

    def failed(self, error: Exception) -> None:
        """A thread ended."""
        self._noted(BusUnusable(f"the producer's thread ended: {error!r}"))

    def fatal(self, error: KafkaError) -> None:
        """librdkafka gave up: it can promise no order any more."""
        self._noted(BusUnusable(f"the producer cannot go on: {error.str()}"))

    def _noted(self, error: BusError) -> BusError:
        """What stops the bus stops everybody who waits at it."""
        if isinstance(error, BusStop) and self.broken is None:
            self.broken = error
            for stretch in self._stretches:
                if not stretch.waiter.done():
                    stretch.waiter.set_exception(type(error)(*error.args))
            self._stretches.clear()
            self._let_in()
            self._on_broken()
        return error

    async def close(self, patience_s: float) -> None:
        """Deliver what waits, for so long, then let go. Raises BusUnreachable, BusStop."""
        given_up = 0
        try:
            async with asyncio.timeout(patience_s):
                await self.flush()
        except TimeoutError:
            given_up = self.waiting()
        finally:
            closing = BusUnusable("the bus was closed before Kafka had everything")
            self._noted(closing)
            await asyncio.gather(self.market.thread.stop(), self.orders.thread.stop())
        if given_up:
            raise BusUnreachable(
                f"closed after {patience_s:g} s with {given_up} records that Kafka did not take"
            )
