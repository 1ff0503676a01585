"""Strangers' bytes: whatever comes, the simulator answers or closes that connection, and stays up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway_sim.wire_client import WireClient, contract, place, with_simulator

from algo_trade.clock import Clock, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, RequestError, SimulatorConfig, WireError
from algo_trade.gateway_sim.limits import MAX_FRAME_BYTES
from algo_trade.gateway_sim.wire.decode import decode
from algo_trade.gateway_sim.wire.framing import FrameReader, frame
from algo_trade.gateway_sim.wire.request_tables import REQUESTS
from algo_trade.gateway_sim.wire.versions import negotiate

PAYLOADS = st.lists(st.binary(min_size=1, max_size=60), max_size=8)
FIELD = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.sampled_from(["", "0", "1", "-1", "2147483647", "1.7976931348623157E308", "NaN", "9" * 309]),
    st.sampled_from(["STK", "BAG", "SPY", "LMT", "BUY"]),
    st.integers(-10, 10).map(str),
)


@given(PAYLOADS, st.data())
def test_payloads_survive_any_splitting(payloads: list[bytes], data: st.DataObject) -> None:
    """TCP keeps order, not boundaries."""
    stream = b"API\0" + b"".join(map(frame, payloads))
    reader, seen, position = FrameReader(), [], 0
    while position < len(stream):
        size = data.draw(st.integers(1, len(stream) - position))
        seen += list(reader.feed(stream[position : position + size]))
        position += size
    assert seen == payloads


@pytest.mark.parametrize("length", [0, MAX_FRAME_BYTES + 1, 2**31, 2**32 - 1])
def test_an_impossible_length_is_refused_before_any_byte_of_it(length: int) -> None:
    """Zero, huge, and what a signed reader would call negative."""
    with pytest.raises(WireError, match=str(length)):
        list(FrameReader().feed(b"API\0" + length.to_bytes(4, "big")))


def test_a_connection_without_the_greeting_is_refused_at_its_first_wrong_byte() -> None:
    """A client that reconnects after a broken socket may forget it."""
    with pytest.raises(WireError, match="API"):
        list(FrameReader().feed(frame(b"71\0002\0001\0\0")))


@pytest.mark.parametrize(
    ("greeting", "version"),
    [
        (b"v157..178", 178),
        (b"v157..176", 176),
        (b"v100..157", 157),
        (b"v100..158", 157),
        (b"v100..225 +PACEAPI", 178),
        (b"v178\0", 178),
    ],
)
def test_the_version_is_the_clients_newest_but_never_past_ours(greeting: bytes, version: int) -> None:
    """158 is answered as 157: no client was ever tested there."""
    assert negotiate(greeting) == version


@pytest.mark.parametrize("greeting", [b"v100..156", b"v179..225"])
def test_a_client_without_a_common_version_is_told_so(greeting: bytes) -> None:
    """In an error, before the connection closes."""
    with pytest.raises(RequestError):
        negotiate(greeting)


@settings(max_examples=400)
@given(
    st.sampled_from([*REQUESTS, 0, 203, 999]), st.lists(FIELD, max_size=130), st.sampled_from([157, 176, 178])
)
def test_any_fields_decode_or_are_refused_by_name(message_id: int, fields: list[str], version: int) -> None:
    """Nothing but RequestError comes out of the decoder."""
    try:
        request = decode([str(message_id), *fields], version)
    except RequestError as error:
        assert error.code in {320, 321, 505}
    else:
        assert request.name == REQUESTS[message_id].name


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*REQUESTS, 203]), st.lists(FIELD, max_size=120)), max_size=40))
def test_random_requests_never_kill_it(requests: list[tuple[int, list[str]]]) -> None:
    """After any requests at all another client still gets its answer."""

    async def main(clock: Clock) -> None:
        async with GatewaySimulator(SimulatorConfig(), clock=clock) as simulator:
            host, port = simulator.address
            client = await WireClient.open(host, port)
            for message_id, fields in requests:
                client.send(message_id, *fields)
                await asyncio.sleep(0.03)
            await asyncio.sleep(1)
            sane = await WireClient.open(host, port, client_id=77)
            assert (await sane.ask(49, 1))[0][0] == "49"

    run_virtual(main)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_random_bytes_never_kill_it(data: bytes, greeted: bool) -> None:
    """Before the greeting or after it."""

    async def main(clock: Clock) -> None:
        async with GatewaySimulator(SimulatorConfig(), clock=clock) as simulator:
            host, port = simulator.address
            if greeted:
                client = await WireClient.open(host, port)
            else:
                client = await WireClient.connect(host, port)
            client.raw(data)
            await asyncio.sleep(0.5)
            sane = await WireClient.open(host, port, client_id=77)
            assert (await sane.ask(49, 1))[0][0] == "49"

    run_virtual(main)


def test_nothing_is_sent_before_start_api_but_the_two_field_reply() -> None:
    """Some clients read one message there and throw the rest away."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        client = await WireClient.connect(*simulator.address)
        client.raw(b"API\0" + frame(b"v157..178 +PACEAPI"))
        await asyncio.sleep(5)
        assert len(client.frames) == 1
        assert client.frames[0][0] == "178"
        assert len(client.frames[0]) == 2

    with_simulator(body)


def test_accounts_and_next_id_come_before_the_farm_notices_which_say_simfarm() -> None:
    """No flag hides what it is."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert client.frames[1:3] == [["15", "1", "DSIM001"], ["9", "1", "1"]]
        notices = client.frames[3:]
        assert [fields[3] for fields in notices] == ["2104", "2106", "2158"]
        assert all(len(fields) == 6 and fields[2] == "-1" and "simfarm" in fields[4] for fields in notices)

    with_simulator(body)


def test_a_second_client_with_the_same_id_gets_326_and_is_closed() -> None:
    """The first one stays; once it is gone, its id is free at once."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        second = await WireClient.open(*simulator.address, client_id=1)
        assert second.frames[-1][3] == "326"
        assert second.closed.is_set()
        assert (await client.ask(49, 1))[0][0] == "49"
        client.abort()
        await asyncio.sleep(0.001)
        third = await WireClient.open(*simulator.address, client_id=1)
        assert third.of(9)

    with_simulator(body)


def test_a_message_from_a_protobuf_client_fails_alone() -> None:
    """`203` and binary that is no UTF-8."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.raw(frame(b"203\0\xff\xfe\x00\x08\x01"))
        await asyncio.sleep(0.01)
        assert client.frames[-1][2:4] == ["-1", "505"]
        assert (await client.ask(49, 1))[0][0] == "49"

    with_simulator(body)


def test_a_request_too_short_or_with_a_bad_number_is_answered_to_its_id() -> None:
    """Error 320, in the gateway's words."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        short = await client.ask(9, 8, 41, 0, "SPY")
        assert short[0][2:4] == ["41", "320"]
        bad = await client.ask(97, 42, "abc", *contract()[1:], "BidAsk", 0, 0)
        assert bad[0][2:4] == ["42", "320"]

    with_simulator(body)


def test_too_many_messages_are_error_100_and_the_third_time_the_end() -> None:
    """Half the market data lines a second."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(2)
        for second in range(3):
            for _number in range(51):
                client.send(49, 1)
            await asyncio.sleep(1.5)
            assert [fields[3] for fields in client.of(4)].count("100") == second + 1
        assert client.closed.is_set()

    with_simulator(body)


def test_no_write_is_a_whole_multiple_of_4096_bytes() -> None:
    """One family of clients drops exactly such a chunk."""
    from algo_trade.gateway_sim.connection import ClientConnection
    from algo_trade.gateway_sim.crowd import Crowd
    from algo_trade.gateway_sim.pacing import RateLimit

    class Transport(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.writes: list[bytes] = []

        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.writes.append(bytes(data))

        def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
            """Nothing is buffered."""

    async def main(_: Clock) -> None:
        connection = ClientConnection(None, RateLimit(50), Crowd())  # type: ignore[arg-type]  # it is never asked
        transport = Transport()
        connection.connection_made(transport)
        for size in (4095, 4096, 4097, 8192):
            connection.send(b"x" * size)
        connection.cork()
        for size in (4000, 96):
            connection.send(b"x" * size)
        connection.uncork()
        assert all(len(data) % 4096 for data in transport.writes)
        assert sum(map(len, transport.writes)) == 4095 + 4096 + 4097 + 8192 + 4096
        assert len(transport.writes) == 1 + 2 + 1 + 2 + 2

    run_virtual(main)


def test_order_frames_are_read_to_their_end_at_every_version() -> None:
    """110, 115 and 114 fields, and what stands far behind is where it should be."""
    assert [len(place(1, version=version)) for version in (157, 176, 178)] == [110, 115, 114]
    for version in (157, 176, 178):
        request = decode(place(1, version=version, orderRef="a:b", whatIf=True), version)
        assert request.text("orderRef") == "a:b"
        assert request.flag("whatIf")
