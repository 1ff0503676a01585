"""A simulator that was killed goes on as if it had been up, and the same seed gives the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.gateway_sim.measures import seeded
from tests.gateway_sim.wire_client import AAPL, SPY, WireClient, contract, place, story

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_real, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig, SimulatorStateError
from algo_trade.gateway_sim.catalogue import derived_instrument


def config(state: Path, **changes: Any) -> SimulatorConfig:
    """A simulator that remembers."""
    settings: dict[str, Any] = {"seed": 7, "market_open_ns": VIRTUAL_START_NS, "state_path": state}
    return SimulatorConfig(**(settings | changes))


async def kill(simulator: GatewaySimulator, client: WireClient) -> None:
    """End it without a word: what is on disk is all that is left."""
    client.abort()
    await simulator.stop()


def test_orders_executions_and_ids_survive(tmp_path: Path) -> None:
    """Resting orders are live again, in-flight ones go on, nothing is filled twice, ids go on."""

    async def main(clock: Clock) -> None:
        settings = config(tmp_path / "sim.db", ack_ms=500.0)
        simulator = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await simulator.start())
        await client.ask(*place(1, orderRef="filled"), wait=2)
        await client.ask(*place(2, lmtPrice=500.0, orderRef="resting"), wait=2)
        await client.ask(*place(3, lmtPrice=500.0, transmit=False), wait=1)
        before = await client.ask(7, 3, 90, "", "", "", "", "", "", "")
        await client.ask(*place(4, "SELL", orderRef="in flight"), wait=0.1)
        await kill(simulator, client)
        await asyncio.sleep(60)

        again = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await again.start())
        assert client.of(9) == [["9", "1", "5"]]
        listed = await client.ask(5, 1)
        orders = {fields[23]: fields[93] for fields in listed if fields[0] == "5"}
        assert orders == {"resting": "Submitted", "in flight": "PendingSubmit"}
        after = await client.ask(7, 3, 90, "", "", "", "", "", "", "")
        assert after == before
        await asyncio.sleep(2)
        assert [fields[26] for fields in client.of(11)][-1] == "in flight"
        assert await client.ask(61, 1) == [["62", "1"]]
        assert story(await client.ask(4, 1, 2, "", wait=2))[-2:] == ["3 Cancelled 0/10", "4 202"]
        completed = {fields[22] for fields in (await client.ask(99, 0))[:-1]}
        assert completed == {"filled", "resting", "in flight"}
        everything = await client.ask(7, 3, 91, "", "", "", "", "", "", "")
        exec_ids = [fields[14] for fields in everything if fields[0] == "11"]
        assert len(set(exec_ids)) == len(exec_ids) == 2
        await kill(again, client)

    run_virtual(main)


SERVER = """
import sys
from pathlib import Path
from algo_trade.clock import run_real
from algo_trade.gateway_sim import SimulatorConfig, serve
config = SimulatorConfig(seed=7, ack_ms=1, fill_ms=1, state_path=Path(sys.argv[1]))
ready = lambda host, port: print(port, flush=True)
run_real(lambda clock: serve(config, "127.0.0.1", 0, clock, ready))
"""


def test_what_a_client_heard_of_is_on_disk_when_the_process_is_killed(tmp_path: Path) -> None:
    """kill -9, real processes: the next one knows every execution the client of the first one saw."""

    async def hear(orders: int) -> tuple[str, set[str], list[str]]:
        arguments = [sys.executable, "-c", SERVER, str(tmp_path / "sim.db")]
        server = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            client = await WireClient.open("127.0.0.1", int(server.stdout.readline()))
            async with asyncio.timeout(10):
                while not client.of(9):
                    await asyncio.sleep(0.01)
                for number in range(1, orders + 1):
                    client.send(*place(number, orderRef=f"r{number}"))
                while len(client.of(11)) < orders:
                    await asyncio.sleep(0.001)
                told = {fields[14] for fields in client.of(11)}
                known = await client.ask(7, 3, 90, "", "", "", "", "", "", "", wait=0 if orders else 0.5)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
        client.abort()
        return client.of(9)[0][2], told, [fields[14] for fields in known if fields[0] == "11"]

    async def main(_clock: Clock) -> None:
        told = (await hear(5))[1]
        next_id, _, known = await hear(0)
        assert next_id == "6"
        assert told <= set(known)
        assert len(known) == len(set(known))

    run_real(main)


def test_the_market_stands_where_it_would_stand(tmp_path: Path) -> None:
    """Fast-forwarded to now, deterministically."""

    async def main(clock: Clock) -> None:
        simulator = GatewaySimulator(config(tmp_path / "sim.db"), clock=clock)
        client = await WireClient.open(*await simulator.start())
        await kill(simulator, client)
        await asyncio.sleep(1800)
        again = GatewaySimulator(config(tmp_path / "sim.db"), clock=clock)
        client = await WireClient.open(*await again.start())
        now_ns = clock.now_ns() - VIRTUAL_START_NS
        tick = (await client.ask(97, 5, *contract(SPY), "BidAsk", 0, 0, wait=1e-6))[0]
        standing = None
        for quote in seeded(7, "SPY").quotes():
            if quote.offset_ns > now_ns:
                break
            standing = quote
        assert standing is not None
        assert (round(float(tick[4]) * 10_000), round(float(tick[5]) * 10_000)) == standing[1:3]
        await kill(again, client)

    run_virtual(main)


def test_recorded_rows_already_due_are_passed_over(tmp_path: Path) -> None:
    """The day goes on where it would be."""
    path = tmp_path / "q.csv"
    path.write_text(
        "ask_price,ask_volume,bid_price,bid_volume\n" + "".join(f"{n},1,1,1\n" for n in range(1, 235))
    )

    async def main(clock: Clock) -> None:
        settings = config(tmp_path / "sim.db", quotes={"AAPL": path})
        simulator = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await simulator.start())
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        await asyncio.sleep(1050)
        assert len(client.of(99)) == 11
        await kill(simulator, client)
        await asyncio.sleep(1000)
        again = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await again.start())
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        await asyncio.sleep(100)
        assert [round(float(fields[5]) * 10_000) for fields in client.of(99)] == [21, 22]
        await kill(again, client)

    run_virtual(main)


def test_state_of_another_simulator_is_refused(tmp_path: Path) -> None:
    """Another seed, another account, or no state at all."""

    async def main(clock: Clock) -> None:
        async with GatewaySimulator(config(tmp_path / "sim.db"), clock=clock):
            pass
        for changed in ({"seed": 8}, {"account_id": "DU7"}):
            with pytest.raises(SimulatorStateError, match="belongs to account DSIM001"):
                await GatewaySimulator(config(tmp_path / "sim.db", **changed), clock=clock).start()
        settings = config(tmp_path / "z.db", symbols=("ZZZ",))
        simulator = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await simulator.start())
        await client.ask(*place(1, con_id=derived_instrument("ZZZ").con_id), wait=1)
        await kill(simulator, client)
        with pytest.raises(SimulatorStateError, match="the same symbols"):
            await GatewaySimulator(config(tmp_path / "z.db"), clock=clock).start()
        (tmp_path / "junk.db").write_text("this is not a database, however long one makes it " * 40)
        with pytest.raises(SimulatorStateError, match="not a simulator's state"):
            await GatewaySimulator(config(tmp_path / "junk.db"), clock=clock).start()

    run_virtual(main)


def test_state_is_one_simulators_at_a_time(tmp_path: Path) -> None:
    """The second one does not start and disturbs nothing; when the first one is gone the place is free."""

    async def main(clock: Clock) -> None:
        settings = config(tmp_path / "sim.db")
        first = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await first.start())
        with pytest.raises(SimulatorStateError, match=r"sim\.db: another simulator keeps its state here"):
            await GatewaySimulator(settings, clock=clock).start()
        await client.ask(*place(1), wait=2)
        assert len(client.of(11)) == 1
        await kill(first, client)
        second = GatewaySimulator(settings, clock=clock)
        client = await WireClient.open(*await second.start())
        assert [fields[0] for fields in await client.ask(7, 3, 90, *[""] * 7)] == ["11", "59", "55"]
        await kill(second, client)
        (tmp_path / "file").touch()
        with pytest.raises(SimulatorStateError, match="cannot be written"):
            await GatewaySimulator(config(tmp_path / "file" / "sim.db"), clock=clock).start()

    run_virtual(main)


def test_the_wire_log_has_every_order_frame_across_restarts(tmp_path: Path) -> None:
    """One line a frame, at once."""
    log = tmp_path / "wire.jsonl"

    async def main(clock: Clock) -> None:
        for number in (1, 2):
            settings = config(tmp_path / "sim.db", wire_log=log)
            simulator = GatewaySimulator(settings, clock=clock)
            client = await WireClient.open(*await simulator.start())
            await client.ask(*place(number, lmtPrice=500.0, orderRef=f"ref {number}"), wait=1)
            await client.ask(4, 1, number, "", wait=0.001)
            assert len(log.read_text().splitlines()) == 2 * number
            await kill(simulator, client)

    run_virtual(main)
    assert '"frame": "placeOrder"' in log.read_text()


async def _half_an_hour(clock: Clock) -> str:
    """Everything a client hears in half an hour of trading, hashed."""
    settings = SimulatorConfig(seed=11, market_open_ns=VIRTUAL_START_NS)
    async with GatewaySimulator(settings, clock=clock) as simulator:
        client = await WireClient.open(*simulator.address)
        client.send(61, 1)
        client.send(6, 2, 1, "DSIM001")
        for number, con_id in enumerate((SPY, AAPL)):
            client.send(97, 100 + number, *contract(con_id), "BidAsk", 0, 0)
            client.send(1, 11, 200 + number, *contract(con_id), 0, "", 0, 0, "")
        for number in range(1, 30):
            side = "BUY" if number % 3 else "SELL"
            client.send(*place(number, side, quantity=700 * number, con_id=SPY if number % 2 else AAPL))
            await asyncio.sleep(60)
        return hashlib.sha256(client.received).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    """Whatever the order of hashes."""
    code = (
        "from algo_trade.clock import run_virtual\n"
        "from tests.gateway_sim.test_restart import _half_an_hour\n"
        "print(run_virtual(_half_an_hour))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "4711")
    }
    assert len(digests) == 1
