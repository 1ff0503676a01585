"""Faults as a client meets them on the wire, each armed by name and over by itself; and nothing is left of them."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from tests.gateway_sim.wire_client import SPY, WireClient, contract, place, story, with_simulator

from algo_trade.clock import Clock, run_real
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.faults import (
    ConnectivityLost,
    CorrectExecution,
    DelayAcks,
    Drop,
    DuplicateExecution,
    FarmBroken,
    FaultRefused,
    LoseNext,
    RefuseConnections,
    RejectNext,
    Restart,
    Silent,
)
from algo_trade.gateway_sim.faults.wire import FaultyWire
from algo_trade.gateway_sim.wire.framing import message

ASK_EXECUTIONS = (7, 3, 90, "", "", "", "", "", "", "")
ASK_HISTORY = (20, 5, *contract(SPY), 0, "", "1 min", "600 S", 0, "MIDPOINT", 2, 0, "")


def codes(client: WireClient) -> list[str]:
    """Codes of the notices that belong to no request, without those of the greeting."""
    return [fields[3] for fields in client.of(4) if fields[2] == "-1"][3:]


def check_idle(simulator: GatewaySimulator) -> None:
    """Nothing is armed, and nothing stands between the gateway and its clients."""
    assert simulator.faults.armed == []
    assert simulator.gateway.meddler is None
    for connection in simulator.gateway.clients:
        wire: object = connection.transport
        assert not isinstance(wire, FaultyWire)


def test_a_dropped_connection_ends_in_order() -> None:
    """FIN for the client it is meant for; the others stay, and it may come back at once."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        other = await WireClient.open(*simulator.address, 2)
        simulator.faults.arm(Drop(client=1))
        await asyncio.sleep(0.01)
        assert client.closed.is_set() and not other.closed.is_set()
        again = await WireClient.open(*simulator.address, 1)
        assert again.of(9)
        simulator.faults.arm(Drop())
        await asyncio.sleep(0.01)
        assert again.closed.is_set() and other.closed.is_set()
        check_idle(simulator)

    with_simulator(body)


def test_an_abrupt_drop_is_half_a_frame_and_a_reset() -> None:
    """Over real TCP: the reader hears a reset in the middle of a frame."""

    async def main(_clock: Clock) -> None:
        async with GatewaySimulator(SimulatorConfig(seed=7)) as simulator:
            reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
            greeting = b"API\0" + len(b"v157..178").to_bytes(4, "big") + b"v157..178"
            writer.write(greeting)
            await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
            writer.write(b"\0\0\0\x0871\x002\x001\x00\x00")
            last = b""
            while b"2158" not in last:
                last = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
            simulator.faults.arm(Drop(abrupt=True))
            length = int.from_bytes(await reader.readexactly(4), "big")
            half = b""
            with pytest.raises(ConnectionResetError):
                while True:
                    half += await reader.readexactly(1)
            assert 0 < len(half) < length
            writer.close()

    run_real(main)


def test_silence_is_no_end() -> None:
    """Nothing comes and nothing is read, the connection stays; what was owed follows in its order."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(97, 5, *contract(SPY), "BidAsk", 0, 0)
        simulator.faults.arm(Silent(client=1, seconds=30))
        await asyncio.sleep(0.01)
        other = await WireClient.open(*simulator.address, 2)
        heard = len(client.frames)
        client.send(49, 1)
        await asyncio.sleep(29)
        assert len(client.frames) == heard and not client.closed.is_set()
        assert (await other.ask(49, 1))[0][0] == "49"
        await asyncio.sleep(1.1)
        assert len(client.of(99)) > 10 and len(client.of(49)) == 1
        assert [fields[3] for fields in client.of(99)] == sorted(fields[3] for fields in client.of(99))
        check_idle(simulator)
        other.close()

    with_simulator(body)


def test_a_silent_gateway_does_not_greet_either() -> None:
    """A new connection is open and gets not a byte; after the silence it is greeted, and what it sent is handled."""

    async def body(simulator: GatewaySimulator, _client: WireClient) -> None:
        simulator.faults.arm(Silent(seconds=60))
        patient, impatient = [await WireClient.open(*simulator.address, number) for number in (2, 3)]
        patient.send(49, 1)
        await asyncio.sleep(50)
        assert not patient.received and not patient.closed.is_set()
        impatient.abort()
        await asyncio.sleep(11)
        assert [fields[0] for fields in patient.frames] == ["178", "15", "9", "4", "4", "4", "49"]
        assert [each.client_id for each in simulator.gateway.clients] == [1, 2]
        crowd = []
        simulator.faults.arm(Silent(seconds=60))
        for number in range(70):
            crowd.append(await WireClient.connect(*simulator.address))
            await asyncio.sleep(0)
            assert not crowd[number].received
        await asyncio.sleep(1)
        assert [each.closed.is_set() for each in crowd] == [True] * 6 + [False] * 64
        simulator.faults.clear()
        check_idle(simulator)

    with_simulator(body)


def test_a_gateway_that_hangs_is_so_over_tcp() -> None:
    """A real socket is accepted and not answered; the simulator's end is its end."""

    async def main(_clock: Clock) -> None:
        async with GatewaySimulator(SimulatorConfig(seed=7)) as simulator:
            simulator.faults.arm(Silent(seconds=60))
            reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
            writer.write(b"API\0" + len(b"v157..178").to_bytes(4, "big") + b"v157..178")
            other = await asyncio.open_connection(simulator.host, simulator.port)
            simulator.faults.clear()
            length = int.from_bytes(await reader.readexactly(4), "big")
            assert (await reader.readexactly(length)).startswith(b"178\0")
            simulator.faults.arm(Silent(seconds=60))
            hung = await asyncio.open_connection(simulator.host, simulator.port)
        for stream in (reader, other[0], hung[0]):
            assert await stream.read() == b""
        for each in (writer, other[1], hung[1]):
            each.close()

    run_real(main)


def test_what_was_read_before_a_silence_does_not_end_it() -> None:
    """A flood that is handled in turns pauses and resumes reading itself: no byte sent in the silence is taken in."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        client.raw(message(49, 1) * 500)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        simulator.faults.arm(Silent(seconds=60))
        client.send(*place(1, lmtPrice=400.0))
        await asyncio.sleep(59)
        assert len(client.of(49)) < 500
        assert simulator.orders == []
        await asyncio.sleep(3)
        assert len(client.of(49)) == 500
        assert [order.order_id for order in simulator.orders] == [1]
        check_idle(simulator)

    with_simulator(body, lines=1_000_000)


@pytest.mark.parametrize(("data", "restored"), [("maintained", "1102"), ("lost", "1101")])
def test_connectivity_is_lost_and_restored(data: str, restored: str) -> None:
    """1100, then no market data and no word of orders; after it what happened, and what was sent meanwhile."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(97, 5, *contract(SPY), "BidAsk", 0, 0, wait=5)
        await client.ask(1, 11, 6, *contract(SPY), 0, "", 0, 0, "", wait=1)
        await client.ask(*place(1), wait=0.01)
        assert client.of(99) and client.of(1) and not client.of(3)
        simulator.faults.arm(ConnectivityLost(seconds=20, data=data))  # type: ignore[arg-type]  # one of its two words
        with pytest.raises(FaultRefused, match="lost already"):
            simulator.faults.arm(ConnectivityLost())
        await asyncio.sleep(0.01)
        assert codes(client) == ["1100"]
        start = len(client.frames)
        client.send(*place(2, "SELL"))
        late = await WireClient.open(*simulator.address, 2)
        await asyncio.sleep(19)
        assert client.frames[start:] == []
        assert [fields[3] for fields in late.of(4)] == ["2110"]
        assert late.of(9) and (await late.ask(49, 1))[0][0] == "49"
        await asyncio.sleep(1)
        assert codes(client) == ["1100", restored]
        after = client.frames[start:]
        assert after[0][3] == restored
        assert story(after)[:3] == ["5 PreSubmitted", "3 PreSubmitted 0/10", "11 10"]
        await asyncio.sleep(5)
        assert [fields[26] for fields in client.of(11)] and len(client.of(11)) == 2
        assert len(client.of(59)) == 2
        ticks = [fields for fields in client.frames[start:] if fields[0] in {"99", "1"}]
        assert bool(ticks) is (data == "maintained")
        if data == "lost":
            assert (await client.ask(97, 5, *contract(SPY), "BidAsk", 0, 0))[0][0] == "99"
        check_idle(simulator)
        late.close()

    with_simulator(body)


def test_a_market_data_farm_breaks_and_comes_back() -> None:
    """2103, then orders go on without market data; 2104, and the top of the book as it stands."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(1, 11, 6, *contract(SPY), 0, "", 0, 0, "", wait=1)
        simulator.faults.arm(FarmBroken(seconds=20))
        start = len(client.frames)
        await client.ask(*place(1), wait=19)
        assert story(client.frames[start:])[-1] == "59"
        assert not [fields for fields in client.frames[start:] if fields[0] in {"1", "2"}]
        late = await WireClient.open(*simulator.address, 2)
        assert [fields[3] for fields in late.of(4)] == ["2106", "2158", "2103"]
        await asyncio.sleep(1.1)
        assert codes(client) == ["2103", "2104"]
        after = [fields[3] for fields in client.frames if fields[0] == "1"][-4:]
        assert {"1", "2"} <= set(after)
        check_idle(simulator)
        late.close()

    with_simulator(body)


def test_the_history_farm_breaks_and_comes_back() -> None:
    """2105 and no answer; 2106 with it; market data goes on."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(97, 6, *contract(SPY), "BidAsk", 0, 0)
        simulator.faults.arm(FarmBroken(farm="history", seconds=20))
        frames = await client.ask(*ASK_HISTORY, wait=19)
        assert {fields[0] for fields in frames} == {"4", "99"}
        await asyncio.sleep(1.1)
        assert len(client.of(17)) == 1
        assert codes(client) == ["2105", "2106"]
        check_idle(simulator)

    with_simulator(body)


def test_acknowledgements_take_longer_until_told_otherwise() -> None:
    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        simulator.faults.arm(DelayAcks(ms=5000))
        assert story(await client.ask(*place(1), wait=4.9)) == []
        assert story(await client.ask(*place(2), wait=0.3))[:1] == ["5 PreSubmitted"]
        simulator.faults.arm(DelayAcks(ms=100))
        assert [armed.fault for armed in simulator.faults.armed] == [DelayAcks(ms=100)]
        simulator.faults.arm(DelayAcks(ms=0))
        await asyncio.sleep(10)
        assert story(await client.ask(*place(3), wait=0.5))[:1] == ["5 PreSubmitted"]
        check_idle(simulator)

    with_simulator(body)


def test_the_next_order_is_rejected_and_only_that() -> None:
    """201 with the reason, then Inactive."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        simulator.faults.arm(RejectNext(reason="No trading permissions."))
        assert story(await client.ask(*place(1), wait=1)) == ["4 201", "5 Inactive", "3 Inactive 0/10"]
        assert client.of(4)[-1][4] == "Order rejected - reason:No trading permissions."
        assert story(await client.ask(*place(2), wait=1))[-1] == "59"
        check_idle(simulator)

    with_simulator(body)


@pytest.mark.parametrize(("what", "lost"), [("execution", "11"), ("status", "3"), ("commission", "59")])
def test_a_callback_is_lost(what: str, lost: str) -> None:
    """Exactly one frame, and what the broker knows is the same: whoever asks is told."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        whole = [fields[0] for fields in await client.ask(*place(1), wait=1)]
        simulator.faults.arm(LoseNext(what=what))  # type: ignore[arg-type]  # one of its words
        asked = await client.ask(*ASK_EXECUTIONS)
        assert [fields[0] for fields in asked] == ["11", "59", "55"] or what == "commission"
        got = [fields[0] for fields in await client.ask(*place(2), wait=1)]
        missing = list(whole)
        missing.remove(lost)
        assert got == missing or what == "commission"
        assert len([fields for fields in await client.ask(*ASK_EXECUTIONS) if fields[0] == "11"]) == 2
        again = [fields[0] for fields in await client.ask(*place(3, "SELL"), wait=1)]
        assert again == whole
        check_idle(simulator)

    with_simulator(body)


def test_an_execution_is_told_twice() -> None:
    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        other = await WireClient.open(*simulator.address, 2)
        simulator.faults.arm(DuplicateExecution(client=1))
        await other.ask(*place(1), wait=1)
        await client.ask(*place(1), wait=1)
        await client.ask(*place(2), wait=1)
        assert len(other.of(11)) == 1
        first, second, third = client.of(11)
        assert first == second != third
        check_idle(simulator)
        other.close()

    with_simulator(body)


def test_an_execution_is_corrected() -> None:
    """The same id but for its suffix, the new price, its commission; the position is what it would have been."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        with pytest.raises(FaultRefused, match="no execution"):
            simulator.faults.arm(CorrectExecution(price=Decimal(1)))
        await client.ask(61, 1)
        await client.ask(*place(1), wait=1)
        await client.ask(*place(2, "SELL", 4), wait=1)
        first, second = client.of(11)
        realized = [fields[5] for fields in client.of(59)]
        cash = simulator.gateway.booking.account.cash_micros
        price = Decimal(first[20]) - Decimal("0.5")
        simulator.faults.arm(CorrectExecution(price=price, exec_id=first[14]))
        await asyncio.sleep(1)
        corrected = client.of(11)[-1]
        assert corrected[14] == first[14].removesuffix("01") + "02"
        assert Decimal(corrected[20]) == Decimal(corrected[25]) == price
        assert corrected[:14] == first[:14] and corrected[15:20] == first[15:20]
        assert client.of(59)[-1][2] == corrected[14]
        assert simulator.gateway.booking.account.cash_micros == cash + 5_000_000
        costs = [Decimal(fields[15]) for fields in client.of(61)]
        assert costs[-1] == costs[0] - Decimal("0.5")
        simulator.faults.arm(CorrectExecution(price=Decimal(second[20]) + 1))
        await asyncio.sleep(1)
        change = Decimal(client.of(59)[-1][5]) - Decimal(realized[1])
        assert change == 4 * (Decimal(1) + Decimal("0.5"))
        asked = [fields[14] for fields in await client.ask(*ASK_EXECUTIONS) if fields[0] == "11"]
        assert [exec_id[-2:] for exec_id in asked] == ["01", "01", "02", "02"]

    with_simulator(body)


def test_a_restart_loses_what_was_not_transmitted_and_nothing_else() -> None:
    """Connections end, nobody gets in for a time, orders fill meanwhile, ids go on."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1, lmtPrice=400.0), wait=1)
        await client.ask(*place(2, lmtPrice=400.0, transmit=False), wait=0.1)
        client.send(*place(3))
        await asyncio.sleep(0.01)
        simulator.faults.arm(Restart(seconds=30))
        with pytest.raises(FaultRefused, match="restarting"):
            simulator.faults.arm(Restart())
        await asyncio.sleep(0.01)
        assert client.closed.is_set()
        with pytest.raises(ConnectionRefusedError):
            await WireClient.open(*simulator.address, 1)
        await asyncio.sleep(30)
        again = await WireClient.open(*simulator.address, 1)
        assert again.of(9) == [["9", "1", "4"]]
        assert [fields[1] for fields in await again.ask(5, 1) if fields[0] == "5"] == ["1"]
        assert [fields[2] for fields in await again.ask(*ASK_EXECUTIONS) if fields[0] == "11"] == ["3"]
        assert story(await again.ask(4, 1, 2, "")) == ["4 10147"]
        check_idle(simulator)
        again.close()

    with_simulator(body)


def test_ids_roll_back_and_are_handed_out_again() -> None:
    """The next order has the id of one that still works: two orders, one id, two permIds."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1, lmtPrice=400.0), wait=1)
        await client.ask(*place(2, lmtPrice=401.0), wait=1)
        simulator.faults.arm(Restart(seconds=1, roll_back_ids=1))
        await asyncio.sleep(1.1)
        again = await WireClient.open(*simulator.address, 1)
        assert again.of(9) == [["9", "1", "2"]]
        await again.ask(*place(2, lmtPrice=402.0), wait=1)
        opened = [fields for fields in await again.ask(5, 1) if fields[0] == "5"]
        assert [(fields[1], fields[16]) for fields in opened] == [
            ("1", "400.0"),
            ("2", "401.0"),
            ("2", "402.0"),
        ]
        assert len({fields[25] for fields in opened}) == 3
        again.close()

    with_simulator(body)


def test_connections_are_refused_for_a_time() -> None:
    """Accepted and closed without a byte, as before a dead gateway; who is in stays in."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        simulator.faults.arm(RefuseConnections(seconds=5))
        refused = await WireClient.connect(*simulator.address)
        await asyncio.sleep(0.01)
        assert refused.closed.is_set() and refused.frames == []
        assert (await client.ask(49, 1))[0][0] == "49"
        await asyncio.sleep(5)
        late = await WireClient.open(*simulator.address, 2)
        assert late.of(9)
        check_idle(simulator)
        late.close()

    with_simulator(body)


def test_clearing_ends_everything_as_if_its_time_had_come() -> None:
    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        for fault in (
            Silent(seconds=500), ConnectivityLost(seconds=500), DelayAcks(ms=9), RejectNext(), RefuseConnections(),
            LoseNext(what="status"),
        ):  # fmt: skip
            simulator.faults.arm(fault)
        assert len(simulator.faults.armed) == 6
        await asyncio.sleep(1)
        simulator.faults.clear()
        check_idle(simulator)
        await asyncio.sleep(0.01)
        assert codes(client) == ["1100", "1102"]
        assert story(await client.ask(*place(1), wait=1))[-1] == "59"
        late = await WireClient.open(*simulator.address, 2)
        assert late.of(9)
        late.close()

    with_simulator(body)
