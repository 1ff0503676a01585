"""What strangers may hold, cost and keep waiting: every bound of `limits`, as a client meets it."""

from __future__ import annotations

import asyncio
import logging
import socket
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway_sim.frames import ABSURD, VERSIONS, fields_of, mutated, payload_of
from tests.gateway_sim.fuzz_wire import fuzz
from tests.gateway_sim.wire_client import WireClient, contract, place, with_simulator

from algo_trade.clock import Clock, rng, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, RequestError, SimulatorConfig, WireError, limits
from algo_trade.gateway_sim.connection import ClientConnection, _watch
from algo_trade.gateway_sim.crowd import Crowd
from algo_trade.gateway_sim.pacing import RateLimit
from algo_trade.gateway_sim.wire.decode import Decoded, decode
from algo_trade.gateway_sim.wire.framing import FrameReader, frame, message, split_fields
from algo_trade.gateway_sim.wire.request_tables import REQUESTS
from algo_trade.gateway_sim.wire.values import is_number, price_e4, to_decimal, to_int


async def is_served(simulator: GatewaySimulator, client_id: int = 77) -> bool:
    """Whether an honest client that comes now gets its greeting and an answer."""
    client = await WireClient.open(*simulator.address, client_id=client_id)
    answers = await client.ask(49, 1)
    client.close()
    return bool(client.of(9)) and [fields[0] for fields in answers] == ["49"]


# -- the decoder -----------------------------------------------------------------------------------
@settings(max_examples=300)
@given(st.integers(0, 2**63), st.sampled_from(VERSIONS))
def test_a_mutated_frame_is_a_request_or_an_error_and_nothing_else(seed: int, version: int) -> None:
    """Bytes in; a request, one refused request or one ended connection out."""
    data = b"API\0" + mutated(version, rng(seed, "frame"), 1)
    try:
        for payload in FrameReader().feed(data):
            request = decode(split_fields(payload), version)
            assert isinstance(request, Decoded)
            for name in request.places:
                for read in (request.integer, request.flag):
                    try:
                        read(name)
                    except RequestError as error:
                        assert error.code == 320
    except WireError:  # RequestError is one
        pass


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_payloads_or_a_wire_error(data: bytes) -> None:
    """After the greeting."""
    try:
        for payload in FrameReader().feed(b"API\0" + data):
            decode(split_fields(payload), 178)
    except WireError:
        pass


@pytest.mark.parametrize("message_id", REQUESTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_real_frame_of_every_request_is_read_whole_at_every_version(message_id: int, version: int) -> None:
    """Else what is mutated would not be real frames."""
    fields = fields_of(message_id, version, rng(message_id, "real"), 5)
    request = decode(fields, version)
    assert request.name == REQUESTS[message_id].name
    if len(fields) > 1:
        with pytest.raises(RequestError, match="320"):
            decode(fields[:-1], version)


@pytest.mark.parametrize("text", ["1" * 401, "0" * 100_000 + "1", "1." + "0" * 9999])
def test_a_number_longer_than_any_is_refused_so_that_none_is_remembered(text: str) -> None:
    """Texts that were read are kept for the next time: 4,096 of 256 KB each would be a gigabyte."""
    for read in (to_int, to_decimal, is_number):
        with pytest.raises(RequestError):
            read(text)


def test_a_price_too_small_for_a_decimal_is_not_zero() -> None:
    """Scaled, it underflows; an order at a limit of 0 would never have been one."""
    assert price_e4(Decimal("1e-1000050")) is None
    assert price_e4(Decimal(0)) == 0


@pytest.mark.parametrize("text", ABSURD)
def test_absurd_values_are_numbers_unset_or_refused(text: str) -> None:
    """No other exception comes out of a field."""
    for read in (to_int, to_decimal, is_number):
        try:
            read(text)
        except RequestError as error:
            assert error.code == 320


# -- whole sessions --------------------------------------------------------------------------------
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**63), st.lists(st.sampled_from([*REQUESTS]), min_size=1, max_size=60), st.data())
def test_after_any_session_of_plausible_and_absurd_requests_the_next_client_is_served(
    seed: int, wanted: list[int], data: st.DataObject
) -> None:
    """Of every kind; nothing is logged as an error, and each connection is answered or closed."""
    generator = rng(seed, "session")
    requests = [fields_of(message_id, 178, generator, at + 1) for at, message_id in enumerate(wanted)]
    for fields in requests:
        for _ in range(data.draw(st.integers(0, 2))):
            fields[data.draw(st.integers(0, len(fields) - 1))] = data.draw(st.sampled_from(ABSURD))
    seen: list[str] = []

    class Errors(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    errors = Errors(logging.ERROR)

    async def main(clock: Clock) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(str(context)))
        async with GatewaySimulator(SimulatorConfig(seed=3), clock=clock) as simulator:
            client = await WireClient.open(*simulator.address)
            for fields in requests:
                client.raw(frame(payload_of(fields)))
                await asyncio.sleep(0.05)
            await asyncio.sleep(5)
            assert client.closed.is_set() or (await client.ask(49, 1, wait=0.1))
            assert await is_served(simulator)

    logging.getLogger().addHandler(errors)
    try:
        run_virtual(main)
    finally:
        logging.getLogger().removeHandler(errors)
    assert not seen


def test_a_few_thousand_mutated_frames_bring_nothing_unforeseen() -> None:
    """The same as `make fuzz-wire`, short and always with the same seed."""
    sent, counts, found = fuzz(3_000, seed=11)
    assert not found
    assert sent >= 3_000
    assert counts["error 320"] > 100
    assert counts["sessions ended by the simulator"] > 5


# -- before startApi -------------------------------------------------------------------------------
@pytest.mark.parametrize("said", [b"", b"API\0", b"API\0" + frame(b"v157..178")])
def test_a_connection_that_does_not_start_the_api_is_closed_after_its_time(said: bytes) -> None:
    """Whether it said nothing, half a greeting or a whole one."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        silent = await WireClient.connect(*simulator.address)
        silent.raw(said)
        await asyncio.sleep(limits.START_API_WITHIN_S - 1)
        assert not silent.closed.is_set()
        await asyncio.sleep(2)
        assert silent.closed.is_set()

    with_simulator(body)


def test_a_client_that_started_stays_however_long_it_is_silent() -> None:
    """The time is for starting, not for talking."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(10 * limits.START_API_WITHIN_S)
        assert (await client.ask(49, 1))[0][0] == "49"

    with_simulator(body)


def test_of_too_many_that_wait_the_one_that_waited_longest_makes_room() -> None:
    """Three times as many connections as may wait: an honest client still comes in, and those who started stay."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        silent = []
        for _ in range(3 * limits.MAX_WAITING):
            silent.append(await WireClient.connect(*simulator.address))
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)
        assert [each.closed.is_set() for each in silent] == [True] * 128 + [False] * 64
        assert await is_served(simulator)
        assert (await client.ask(49, 1))[0][0] == "49"
        for each in silent:
            each.abort()

    with_simulator(body)


@pytest.mark.parametrize(
    "said",
    [
        frame(b"v157..178"),
        message(71, 2, 5, ""),
        b"API\0" + frame(b"v157..178") + message(49, 1),
        b"API\0" + frame(b"v157..178") + message(71, 2),
        b"API\0" + frame(b"v157..178") + message(71, 2, "x", ""),
        b"API\0" + frame(b"v157..178") + message(71, 2, "1" * 20_000, ""),
        b"API\0" + frame(b"v\xff..178"),
        b"API\0" + (0).to_bytes(4, "big"),
        b"API\0" + b"\xff\xff\xff\xff",
    ],
)
def test_what_is_no_beginning_ends_the_connection(said: bytes) -> None:
    """No greeting, no startApi, or a length of 0 or less: closed, and nobody else notices."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        wrong = await WireClient.connect(*simulator.address)
        wrong.raw(said)
        await asyncio.sleep(0.1)
        assert wrong.closed.is_set()
        assert not wrong.of(15)
        assert await is_served(simulator)

    with_simulator(body)


def test_a_second_start_api_fails_alone() -> None:
    """The client keeps its id and goes on."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert (await client.ask(71, 2, 9, ""))[0][2:4] == ["-1", "505"]
        assert (await client.ask(49, 1))[0][0] == "49"

    with_simulator(body)


def test_a_request_too_long_to_be_kept_is_error_320() -> None:
    """An order keeps the texts it came with, so there must be an end to them."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        answers = await client.ask(81, 5, "S" * limits.MAX_REQUEST_BYTES)
        assert answers[0][2:4] == ["-1", "320"]
        assert (await client.ask(49, 1))[0][0] == "49"

    with_simulator(body)


# -- vanished, slow, and too fast ------------------------------------------------------------------
def test_the_kernel_is_told_to_find_out_about_clients_that_vanished() -> None:
    """A half-open socket would keep its client id for ever."""

    with socket.socket() as peer:
        _watch(peer)
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        told = [
            peer.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        ]
        assert told == [60, 15, 4, 300_000]


async def lazy_reader(simulator: GatewaySimulator, client_id: int) -> WireClient:
    """A client that reads no more."""
    lazy = await WireClient.open(*simulator.address, client_id=client_id)
    assert lazy._transport is not None
    lazy._transport.pause_reading()
    return lazy


def test_a_client_that_does_not_read_is_cut_off_and_nobody_else_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it is owed is counted to the byte, and given up with it."""
    monkeypatch.setattr("algo_trade.gateway_sim.crowd.MAX_UNREAD_BYTES", 100_000)

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        assert simulator._gateway is not None
        crowd = simulator._gateway.crowd
        lazy = await lazy_reader(simulator, 2)
        ours = simulator._gateway._clients[2]
        most = 0
        for number in range(400):
            ours.send(message(46, 6, number, 45, "x" * 1_000))
            most = max(most, crowd.unread_bytes)
        assert 99_000 < most <= 100_000
        assert crowd.unread_bytes == 0
        assert 2 not in simulator._gateway._clients
        assert (await client.ask(49, 1))[0][0] == "49"
        lazy.abort()

    with_simulator(body)


def test_a_client_that_was_behind_and_reads_again_gets_every_frame_in_order() -> None:
    """Being slow for a while costs nothing."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        assert simulator._gateway is not None
        lazy = await lazy_reader(simulator, 2)
        ours = simulator._gateway._clients[2]
        for number in range(3_000):
            ours.send(message(46, 6, number, 45, "x" * (number % 200)))
        assert simulator._gateway.crowd.unread_bytes > 100_000
        assert lazy._transport is not None
        lazy._transport.resume_reading()
        for _turn in range(200):
            await asyncio.sleep(0.05)
        assert [fields[2] for fields in lazy.of(46)] == [str(at) for at in range(3_000)]
        assert simulator._gateway.crowd.unread_bytes == 0
        lazy.close()

    with_simulator(body)


def test_when_all_are_owed_too_much_together_the_one_that_is_owed_most_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bound for each is not a bound for the machine."""
    monkeypatch.setattr("algo_trade.gateway_sim.crowd.MAX_UNREAD_BYTES_OF_ALL", 500_000)

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        assert simulator._gateway is not None
        gateway = simulator._gateway
        lazy = [await lazy_reader(simulator, client_id) for client_id in (2, 3, 4)]
        for count, client_id in ((350, 2), (250, 3), (300, 4)):
            for _frame in range(count):
                if client_id in gateway._clients:
                    gateway._clients[client_id].send(message(46, 6, 1, 45, "x" * 1_000))
                assert gateway.crowd.unread_bytes <= 500_000
        assert sorted(gateway._clients) == [1, 3, 4]
        for client in lazy:
            client.abort()

    with_simulator(body)


def test_a_client_that_is_closed_and_does_not_read_lingers_for_its_moment_only() -> None:
    """What the transport holds for it is given up after that."""

    class Stuck(asyncio.Transport):
        """Never rid of what it holds."""

        aborted_s = -1.0

        def write(self, data: bytes | bytearray | memoryview) -> None:
            """Kept."""

        def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
            """Whatever."""

        def close(self) -> None:
            """As long as something is kept nothing happens."""

        def abort(self) -> None:
            self.aborted_s = asyncio.get_running_loop().time()

    class Nobody:
        def ended(self, connection: ClientConnection) -> None:
            """Forgotten."""

    async def main(_: Clock) -> None:
        connection = ClientConnection(Nobody(), RateLimit(50), Crowd())  # type: ignore[arg-type]  # it only ends
        transport = Stuck()
        connection.connection_made(transport)
        began_s = asyncio.get_running_loop().time()
        connection.close()
        await asyncio.sleep(10 * limits.LINGER_S)
        assert transport.aborted_s == pytest.approx(began_s + limits.LINGER_S)

    run_virtual(main)


def test_one_flooder_has_its_turn_and_no_more() -> None:
    """Thousands of frames in one write: an honest request that came just after is answered after a few turns' work."""
    with pytest.MonkeyPatch.context() as patch:
        handled: list[int] = []

        async def body(simulator: GatewaySimulator, client: WireClient) -> None:
            flooder = await WireClient.open(*simulator.address, client_id=2)
            assert simulator._gateway is not None
            note = simulator._gateway.handle

            def handle(who: ClientConnection, request: Decoded) -> None:
                handled.append(who.client_id)
                note(who, request)

            patch.setattr(simulator._gateway, "handle", handle)
            flooder.raw(message(49, 1) * 20_000)
            client.send(49, 1)
            await asyncio.sleep(0.5)
            before = handled.index(1)
            assert before <= 4 * limits.MAX_FRAMES_A_TURN
            assert handled.count(2) > before
            await asyncio.sleep(5)
            assert handled.count(2) == 20_000

        with_simulator(body, lines=1_000_000)


def test_contracts_are_found_while_thousands_come_and_go() -> None:
    """Two thousand connections, one after the other, leave nothing behind."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        assert simulator._gateway is not None
        for number in range(2_000):
            stranger = await WireClient.connect(*simulator.address)
            if number % 3 == 0:
                stranger.raw(b"GET / HTTP/1.1\r\n\r\n")
            stranger.abort() if number % 2 else stranger.close()
        await asyncio.sleep(1)
        assert len(simulator._gateway._connections) == 1
        assert simulator._gateway.crowd.waiting == 0
        assert (await client.ask(9, 8, 5, *contract(), 0, "", "", ""))[0][0] == "10"

    with_simulator(body)


# -- orders nobody should have taken; the fuzzer found one of the two -------------------------------
def test_an_order_refused_for_its_transmit_flag_was_never_an_order() -> None:
    """It was kept, told to nobody, and its cancel broke on it."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        fields = place(1)
        fields[_place_of("transmit")] = "maybe"
        assert [each[2:4] for each in await client.ask(*fields)] == [["1", "320"]]
        assert [each[0] for each in await client.ask(16, 1)] == ["53"]
        assert (await client.ask(4, 1, 1, ""))[0][2:4] == ["1", "10147"]

    with_simulator(body)


def test_staged_orders_cannot_be_made_parents_of_one_another_in_a_circle() -> None:
    """A circle of three, all staged, would be walked for ever when one is transmitted."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        for order_id, parent in ((1, 0), (2, 1), (3, 2)):
            assert not await client.ask(*place(order_id, lmtPrice=1.0, parentId=parent, transmit=False))
        answers = await client.ask(*place(1, lmtPrice=1.0, parentId=3, transmit=False))
        assert [each[2:4] for each in answers] == [["1", "10006"]]

    with_simulator(body)


def _place_of(name: str) -> int:
    return decode(place(1), 178).places[name]
