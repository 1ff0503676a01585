"""The virtual loop: time jumps, order holds, and the outside world cannot get in."""

from __future__ import annotations

import asyncio
import time

import pytest

from algo_trade.clock import (
    VIRTUAL_START_NS,
    Clock,
    NothingLeftToWaitFor,
    new_york,
    rng,
    run_real,
    run_virtual,
    utc,
)


def test_six_hours_pass_in_an_instant() -> None:
    async def main(clock: Clock) -> int:
        await asyncio.sleep(6 * 3600)
        return clock.now_ns()

    began = time.monotonic()
    assert run_virtual(main) == VIRTUAL_START_NS + 6 * 3600 * 10**9
    assert time.monotonic() - began < 5


def test_virtual_day_starts_at_the_opening_bell() -> None:
    assert new_york(VIRTUAL_START_NS).strftime("%a %H:%M:%S") == "Mon 09:30:00"


def test_timers_fire_in_order_of_time_then_of_setting() -> None:
    async def main(_: Clock) -> list[str]:
        loop = asyncio.get_running_loop()
        seen: list[str] = []
        for name, delay in (("c", 2.0), ("a", 1.0), ("b", 1.0)):
            loop.call_later(delay, seen.append, name)
        await asyncio.sleep(3)
        return seen

    assert run_virtual(main) == ["a", "b", "c"]


def test_a_deadlock_is_said_not_waited_for() -> None:
    async def main(_: Clock) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeftToWaitFor):
        run_virtual(main)


def test_threads_are_refused() -> None:
    async def main(_: Clock) -> None:
        await asyncio.to_thread(time.monotonic)

    with pytest.raises(RuntimeError, match="no threads"):
        run_virtual(main)


def test_timeouts_use_virtual_time() -> None:
    async def main(clock: Clock) -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.get_running_loop().create_future()
        return clock.monotonic_ns()

    assert run_virtual(main) == 30 * 10**9


def test_a_paced_loop_keeps_the_same_order_and_takes_real_time() -> None:
    async def main(_: Clock) -> float:
        await asyncio.sleep(1.0)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_virtual(main, speed=20) == pytest.approx(1.0)
    assert time.monotonic() - began >= 0.045


@pytest.mark.parametrize("run", [run_virtual, run_real])
def test_streams_work_the_same_in_memory_and_over_tcp(run) -> None:  # type: ignore[no-untyped-def]
    async def main(_: Clock) -> tuple[bytes, bytes]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"he")
        writer.write(b"llo\n")
        line, rest = await reader.readline(), await reader.read()
        writer.close()
        server.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        return line, rest

    assert run(main) == (b"HELLO\n", b"")


def test_a_reader_that_stops_pauses_the_writer_and_loses_nothing() -> None:
    class Slow(asyncio.Protocol):
        received = 0

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport
            transport.pause_reading()  # type: ignore[attr-defined]

        def data_received(self, data: bytes) -> None:
            self.received += len(data)

    class Writer(asyncio.Protocol):
        def __init__(self) -> None:
            self.events: list[str] = []

        def pause_writing(self) -> None:
            self.events.append("pause")

        def resume_writing(self) -> None:
            self.events.append("resume")

    async def main(_: Clock) -> tuple[list[str], int, int]:
        loop, slow, writer = asyncio.get_running_loop(), Slow(), Writer()
        server = await loop.create_server(lambda: slow, "127.0.0.1", 0)
        transport, _protocol = await loop.create_connection(lambda: writer, *server.sockets[0].getsockname())
        for _number in range(200):
            transport.write(b"x" * 1000)
        await asyncio.sleep(1)
        stuck = transport.get_write_buffer_size()
        slow.transport.resume_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(1)
        return writer.events, stuck, slow.received

    assert run_virtual(main) == (["pause", "resume"], 200_000, 200_000)


def test_abort_is_heard_as_a_reset() -> None:
    class Quiet(asyncio.Protocol):
        def __init__(self) -> None:
            self.lost: list[Exception | None] = []

        def connection_lost(self, exc: Exception | None) -> None:
            self.lost.append(exc)

    async def main(_: Clock) -> list[Exception | None]:
        loop, far = asyncio.get_running_loop(), Quiet()
        server = await loop.create_server(lambda: far, "127.0.0.1", 0)
        transport, _protocol = await loop.create_connection(Quiet, *server.sockets[0].getsockname())
        await asyncio.sleep(0)
        transport.abort()
        await asyncio.sleep(1)
        return far.lost

    (reason,) = run_virtual(main)
    assert isinstance(reason, ConnectionResetError)


def test_named_streams_of_one_seed_differ_and_repeat() -> None:
    assert rng(7, "a").random() == rng(7, "a").random()
    assert len({rng(7, "a").random(), rng(7, "b").random(), rng(8, "a").random()}) == 3


def test_utc_cuts_to_the_microsecond() -> None:
    assert utc(1_999).microsecond == 1
