"""The control port as HTTP clients meet it: what it tells, what it does, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway_sim.wire_client import WireClient, place, with_simulator

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.control import ControlPort
from algo_trade.gateway_sim.control.http import MAX_BODY_BYTES, MAX_HEAD_BYTES

Ask = Callable[..., Awaitable[tuple[int, Any]]]


async def exchange(port: int, data: bytes) -> bytes:
    """Send bytes, and return what came until the port closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    got = await reader.read(-1)
    writer.close()
    return got


def with_control(body: Callable[[GatewaySimulator, WireClient, int, Ask], Awaitable[None]]) -> None:
    async def main(simulator: GatewaySimulator, client: WireClient) -> None:
        control = ControlPort(simulator)
        _, port = await control.start()

        async def ask(method: str, path: str, sent: Any = None) -> tuple[int, Any]:
            content = b"" if sent is None else json.dumps(sent).encode()
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            if content:
                head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            answer = await exchange(port, head.encode() + b"\r\n" + content)
            first, _, rest = answer.partition(b"\r\n")
            return int(first.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])

        await body(simulator, client, port, ask)
        await control.stop()

    with_simulator(main)


def test_status_tells_everything() -> None:
    async def body(simulator: GatewaySimulator, client: WireClient, port: int, ask: Ask) -> None:
        await client.ask(*place(1), wait=1)
        await client.ask(*place(2, lmtPrice=400.0, orderRef="mine"), wait=1)
        code, told = await ask("GET", "/status")
        assert code == 200
        assert told["clients"] == [{"client_id": 1, "version": 178, "next_order_id": 3}]
        [order] = told["orders"]
        assert (order["client_id"], order["order_id"], order["status"], order["order_ref"], order["limit"]) == (
            1, 2, "Submitted", "mine", "400.0",
        )  # fmt: skip
        assert [(held["symbol"], held["shares"]) for held in told["positions"]] == [("SPY", 10)]
        spy, *others = told["market"]
        assert spy["symbol"] == "SPY" and float(spy["bid"]) < float(spy["ask"])
        assert {other["bid"] for other in others} == {None}
        assert told["clock"]["new_york"].startswith("2026-03-02T09:30:02")
        assert told["clock"]["exchange_open"] is True and (await ask("GET", "/clock"))[1] == told["clock"]
        assert told["limits"]["clients"] == 32 and told["faults"] == [] and told["account"] == "DSIM001"

    with_control(body)


def test_a_person_trades_by_hand() -> None:
    """Placed, listed, cancelled; refused in the gateway's words."""

    async def body(simulator: GatewaySimulator, client: WireClient, port: int, ask: Ask) -> None:
        code, order = await ask(
            "POST", "/orders", {"symbol": "SPY", "action": "BUY", "quantity": 5, "limit": "400"}
        )
        assert (code, order["client_id"], order["order_id"], order["type"]) == (201, 0, 0, "LMT")
        await asyncio.sleep(1)
        assert [each["perm_id"] for each in (await ask("GET", "/orders"))[1]] == [order["perm_id"]]
        assert (await client.ask(16, 1))[0][25] == str(order["perm_id"])
        code, _ = await ask("DELETE", f"/orders/{order['perm_id']}")
        assert code == 202
        await asyncio.sleep(1)
        assert (await ask("GET", "/orders"))[1] == []
        assert await ask("DELETE", f"/orders/{order['perm_id']}") == (422, {
            "error": "OrderId 0 that needs to be cancelled can not be cancelled, state: Cancelled.", "code": 10148,
        })  # fmt: skip
        for ticket, code in (
            ({"symbol": "NOPE", "action": "BUY", "quantity": 5}, 200),
            ({"symbol": "SPY", "action": "BUY", "quantity": 5, "limit": "1.001"}, 110),
            ({"symbol": "SPY", "action": "BUY", "quantity": 5, "tif": "SOON"}, 321),
        ):
            assert ((await ask("POST", "/orders", ticket))[0], (await ask("POST", "/orders", ticket))[1]["code"]) == (
                422, code,
            )  # fmt: skip
        await ask("POST", "/orders", {"symbol": "SPY", "action": "SELL", "quantity": 5})
        await asyncio.sleep(1)
        assert (await ask("GET", "/status"))[1]["positions"][0]["shares"] == -5

    with_control(body)


def test_faults_are_armed_listed_and_ended() -> None:
    async def body(simulator: GatewaySimulator, client: WireClient, port: int, ask: Ask) -> None:
        code, armed = await ask(
            "POST", "/faults", {"kind": "connectivity_lost", "seconds": 60, "data": "lost"}
        )
        assert (code, armed) == (201, {"kind": "connectivity_lost", "seconds": 60.0, "data": "lost"})
        told = (await ask("GET", "/faults"))[1]
        assert [each["kind"] for each in told["armed"]] == ["connectivity_lost"]
        assert told["armed"][0]["ends"].startswith("2026-03-02T14:31:00")
        assert "lose_next" in json.dumps(told["schema"])
        code, refusal = await ask("POST", "/faults", {"kind": "connectivity_lost"})
        assert (code, refusal) == (409, {"error": "connectivity is lost already"})
        assert await ask("DELETE", "/faults") == (200, {"armed": []})
        await asyncio.sleep(0.01)
        assert [fields[3] for fields in client.of(4)][-2:] == ["1100", "1101"]

    with_control(body)


@pytest.mark.parametrize(
    ("method", "path", "sent", "code", "words"),
    [
        ("GET", "/nowhere", None, 404, "there is no GET /nowhere"),
        ("DELETE", "/status", None, 405, "GET"),
        ("DELETE", "/orders/x", None, 400, "permId"),
        ("DELETE", "/orders/7", None, 422, "no order"),
        ("POST", "/orders", {"symbol": "SPY", "action": "HOLD", "quantity": 1}, 400, "action"),
        ("POST", "/orders", {"symbol": "SPY", "action": "BUY", "quantity": -1}, 400, "quantity"),
        ("POST", "/orders", {"symbol": "SPY", "action": "BUY", "quantity": 1, "more": 1}, 400, "more"),
        ("POST", "/orders", [], 400, "object"),
        ("POST", "/faults", {"kind": "earthquake"}, 400, "earthquake"),
        ("POST", "/faults", {"kind": "silent", "seconds": -1}, 400, "seconds"),
        ("POST", "/faults", {"kind": "reject_next", "reason": "a\u0000b"}, 400, "reason"),
    ],
)
def test_what_is_not_understood_is_said(method: str, path: str, sent: Any, code: int, words: str) -> None:
    async def body(simulator: GatewaySimulator, client: WireClient, port: int, ask: Ask) -> None:
        got, told = await ask(method, path, sent)
        assert got == code and words in told["error"]

    with_control(body)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("GET /status HTTP/1.1\r\nHost: evil.example:{port}\r\n", 403),
        ("GET /status HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 403),
        ("GET /status HTTP/1.1\r\n", 403),
        ("GET /status HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost\r\n", 403),
        ("GET /status HTTP/1.1\r\nHost: localhost:{port}\r\nHost: localhost:{port}\r\n", 400),
        ("POST /faults HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 2\r\n", 415),
        ("POST /faults HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: -2\r\n", 400),
        (
            f"POST /faults HTTP/1.1\r\nHost: localhost:{{port}}\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n",
            413,
        ),
        ("POST /faults HTTP/1.1\r\nHost: localhost:{port}\r\nTransfer-Encoding: chunked\r\n", 411),
        ("GET status HTTP/1.1\r\nHost: localhost:{port}\r\n", 400),
        ("hello\r\n", 400),
        ("GET /status HTTP/1.1\r\nHost: localhost:{port}\r\nX: " + "x" * MAX_HEAD_BYTES + "\r\n", 431),
    ],
)
def test_strangers_and_malformed_requests_are_refused(head: str, code: int) -> None:
    async def body(simulator: GatewaySimulator, client: WireClient, port: int, ask: Ask) -> None:
        answer = await exchange(port, head.format(port=port).encode() + b"\r\n{}")
        assert answer.startswith(f"HTTP/1.1 {code} ".encode())
        assert (await ask("GET", "/clock"))[0] == 200

    with_control(body)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_noise_ends_its_own_connection_only(noise: bytes) -> None:
    async def body(simulator: GatewaySimulator, client: WireClient, port: int, ask: Ask) -> None:
        await exchange(port, noise)
        assert (await ask("GET", "/clock"))[0] == 200

    with_control(body)


def test_it_listens_on_this_machine_only() -> None:
    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        for host in ("0.0.0.0", "::", "192.168.1.7", ""):
            with pytest.raises(ValueError, match="this machine only"):
                await ControlPort(simulator).start(host)

    with_simulator(body)
