"""The connection against a gateway that misbehaves one way at a time, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from tests.ibkr import frames
from tests.ibkr.frames import payload
from tests.ibkr.helpers import Session, session, settings
from tests.ibkr.scripted import Script

from algo_trade.clock import Clock, rng, run_virtual
from algo_trade.exit_codes import ExitCode
from algo_trade.ibkr.errors import (
    ClientIdInUse,
    ListenerBug,
    LockRefused,
    NotConnected,
    Unreachable,
    VersionRefused,
)
from algo_trade.ibkr.events import CurrentTime, GatewayMessage
from algo_trade.ibkr.handler import IBKRHandler
from algo_trade.ibkr.state import ConnectionState


def now() -> float:
    return asyncio.get_running_loop().time()


def test_connect_and_close() -> None:
    async def body(s: Session) -> None:
        assert s.gateway.hellos == [b"v157..178"]
        assert s.gateway.requests(71) == [["71", "2", "1", ""]]
        assert (s.handler.accounts, s.handler.connection.next_valid_id) == (("DU1234567",), 100)
        assert s.handler.connection.server_version == 178
        await s.handler.close()
        await s.handler.close()
        await s.handler.fatal()
        assert s.states == ["connecting", "connected", "disconnected"]

    session(body)


@pytest.mark.parametrize("version", [157, 166, 176, 178])
def test_every_version_we_ask_for_is_spoken(version: int) -> None:
    async def body(s: Session) -> int:
        return s.handler.connection.server_version

    assert session(body, Script(version=version)) == version


@pytest.mark.parametrize("version", [156, 179, 200])
def test_another_version_is_refused(version: int) -> None:
    async def body(s: Session) -> None:
        with pytest.raises(VersionRefused, match=str(version)) as refused:
            await s.handler.start()
        assert refused.value.exit_code is ExitCode.UNREACHABLE
        assert s.handler.state is ConnectionState.FAILED

    session(body, Script(version=version), connect=False)


def test_nobody_listens() -> None:
    async def main(clock: Clock) -> None:
        handler = IBKRHandler(settings(), clock, rng(1, "x"))
        with pytest.raises(Unreachable, match=r"127.0.0.1:4002 after 3 attempts.*IBKR_PORT") as gave_up:
            await handler.start()
        assert gave_up.value.exit_code is ExitCode.UNREACHABLE
        assert handler.state is ConnectionState.FAILED
        assert now() == pytest.approx(1 + 2)
        await handler.close()
        assert handler.state is ConnectionState.FAILED

    run_virtual(main)


@pytest.mark.parametrize(
    "script",
    [
        Script(greet=False),
        Script(replies={"71": lambda peer, _: peer.send(payload(9, 1, 100))}),  # never an account
        Script(replies={"71": lambda peer, _: peer.send(payload(15, 1, "DU1234567"))}),  # never an id
        Script(replies={"71": lambda peer, _: peer.close()}),
        Script(replies={"71": lambda peer, _: peer.send(payload(9, 1, "x"))}),
        Script(replies={"71": lambda peer, _: peer.raw(b"\0\0\0\0")}),
        Script(replies={"71": lambda peer, _: peer.raw(b"\xff\xff\xff\xf0")}),
    ],
)
def test_a_gateway_that_never_greets_properly_is_unreachable(script: Script) -> None:
    async def body(s: Session) -> None:
        with pytest.raises(Unreachable):
            await s.handler.start()
        assert len(s.gateway.hellos) == 3
        assert s.handler.state is ConnectionState.FAILED

    session(body, script, connect=False)


def test_a_gateway_that_appears_in_time_is_found() -> None:
    async def body(s: Session) -> None:
        s.gateway.stop_listening()
        asyncio.get_running_loop().call_later(2, lambda: asyncio.ensure_future(s.gateway.start()))
        await s.handler.start()
        assert s.states == ["connecting", "connected"]

    session(body, connect=False)


@pytest.mark.parametrize("accounts", ["U1234567", "DU7654321", "DU1234567,U1"])
def test_the_lock_refuses_other_accounts_before_anything_else_is_sent(accounts: str) -> None:
    async def body(s: Session) -> None:
        with pytest.raises(LockRefused) as refused:
            await s.handler.start()
        assert refused.value.exit_code is ExitCode.LOCK_REFUSED
        assert s.handler.state is ConnectionState.FAILED
        await asyncio.sleep(60)
        assert [fields[0] for _, fields in s.gateway.received] == ["71"]
        assert len(s.gateway.peers) == 1

    session(body, Script(accounts=accounts), connect=False)


def test_a_live_port_is_refused_without_a_byte() -> None:
    async def body(s: Session) -> None:
        with pytest.raises(LockRefused, match="4001"):
            await s.handler.start()
        assert s.gateway.peers == []

    session(body, connect=False, port=4001)


def test_accounts_that_change_in_mid_session_end_it() -> None:
    async def body(s: Session) -> None:
        s.gateway.peer.send(payload(15, 1, "U1234567"))
        with pytest.raises(LockRefused):
            await s.handler.fatal()
        assert s.handler.state is ConnectionState.FAILED

    session(body)


def test_another_account_after_a_reconnect_ends_the_session() -> None:
    async def body(s: Session) -> None:
        s.gateway.script.accounts = "U1234567"
        s.gateway.peer.close()
        with pytest.raises(LockRefused):
            await s.handler.fatal()
        assert s.states == ["connecting", "connected", "reconnecting", "failed"]

    session(body)


def test_326_is_waited_out_with_the_same_id() -> None:
    async def body(s: Session) -> None:
        await s.handler.start()
        assert [fields[2] for fields in s.gateway.requests(71)] == ["1"] * 11
        assert now() == pytest.approx(10, abs=0.1)

    session(body, Script(busy_for=10), connect=False)


def test_326_without_end_is_a_named_error() -> None:
    async def body(s: Session) -> None:
        with pytest.raises(ClientIdInUse, match="IBKR_CLIENT_ID"):
            await s.handler.start()
        assert now() == pytest.approx(30, abs=1.1)
        assert {fields[2] for fields in s.gateway.requests(71)} == {"1"}
        assert s.handler.state is ConnectionState.FAILED

    session(body, Script(busy_for=10_000), connect=False)


def test_a_lost_connection_comes_back_within_the_quick_tries() -> None:
    async def body(s: Session) -> None:
        s.gateway.peer.close()
        await asyncio.sleep(1.5)
        assert s.states == ["connecting", "connected", "reconnecting", "connected"]
        assert len(s.gateway.peers) == 2

    session(body)


def test_a_longer_outage_is_an_error_and_is_retried_for_ever_by_one_loop() -> None:
    async def body(s: Session) -> None:
        s.gateway.stop_listening()
        s.gateway.peer.close()
        await asyncio.sleep(3600)
        assert s.states == ["connecting", "connected", "reconnecting", "error"]
        tries = [link.arrival_ns / 1e9 for link in s.links if link.state == "error"]
        gaps = [later - earlier for earlier, later in pairwise(tries[5:])]
        assert all(30 <= gap <= 60.1 for gap in gaps)  # capped, jittered, and one loop only
        assert len(set(gaps)) > len(gaps) // 2
        with pytest.raises(NotConnected):
            s.handler.connection.send(b"x")
        await s.gateway.start()
        await asyncio.sleep(61)
        assert s.states[-2:] == ["error", "connected"]
        assert len(s.gateway.peers) == 2

    session(body)


def test_326_after_a_crash_of_the_link_is_retried_with_the_same_id() -> None:
    async def body(s: Session) -> None:
        s.gateway.script.busy_for = 5
        s.gateway.peer.close()
        await asyncio.sleep(120)
        assert s.states == ["connecting", "connected", "reconnecting", "error", "connected"]
        assert {fields[2] for fields in s.gateway.requests(71)} == {"1"}

    session(body)


def test_a_silent_partition_is_found_by_the_heartbeat() -> None:
    async def body(s: Session) -> None:
        await asyncio.sleep(60)
        assert s.states == ["connecting", "connected"]
        s.gateway.script.answers_time = False
        silent_since = now()
        while len(s.gateway.peers) == 1:
            await asyncio.sleep(0.5)
        assert now() - silent_since <= 32
        assert s.links[-1].state == "connected" or "heartbeats" in s.links[-1].reason
        assert "heartbeats" in next(link.reason for link in s.links if link.state == "reconnecting")

    session(body)


def test_heartbeats_cost_one_message_each_and_tell_the_gateways_clock() -> None:
    async def body(s: Session) -> None:
        answers = s.heard(CurrentTime)
        await asyncio.sleep(100.5)
        assert len(s.gateway.requests(49)) == len(answers) == 10
        assert s.handler.gateway_epoch_s == 1772461800

    session(body)


@pytest.mark.parametrize("garbage", [b"\0\0\0\0", b"\xff\xff\xff\xf0", b"\x01\0\0\0"])
def test_a_broken_stream_ends_the_link_and_nothing_else(garbage: bytes) -> None:
    async def body(s: Session) -> None:
        heard = s.heard(GatewayMessage)
        s.gateway.peer.raw(frames_before() + garbage + b"whatever")
        await asyncio.sleep(2)
        assert [message.code for message in heard][:1] == [399]
        assert s.states == ["connecting", "connected", "reconnecting", "connected"]
        assert "framing error" in next(link.reason for link in s.links if link.state == "reconnecting")

    def frames_before() -> bytes:
        data = frames.message(5, 399, "before")
        return len(data).to_bytes(4, "big") + data

    session(body)


def test_1300_is_followed_to_the_configured_port_only() -> None:
    async def body(s: Session) -> None:
        s.gateway.peer.send(frames.message(-1, 1300, "TWS socket port has been reset. New port - 7496"))
        await asyncio.sleep(2)
        assert s.states == ["connecting", "connected", "reconnecting", "connected"]

    session(body)


def test_a_listener_that_raises_ends_the_session_and_not_the_reader() -> None:
    async def body(s: Session) -> None:
        def broken(_event: GatewayMessage) -> None:
            raise KeyError("ours")

        s.handler.listen(GatewayMessage, broken)
        heard = s.heard(GatewayMessage)
        s.gateway.peer.send(frames.message(5, 399, "one"), frames.message(5, 399, "two"))
        with pytest.raises(ListenerBug, match="ours") as bug:
            await s.handler.fatal()
        assert isinstance(bug.value.__cause__, KeyError)
        assert [message.text for message in heard] == ["one", "two"]
        assert s.handler.state is ConnectionState.CONNECTED

    session(body)


def test_close_in_the_middle_of_a_reconnect() -> None:
    async def body(s: Session) -> None:
        s.gateway.stop_listening()
        s.gateway.peer.close()
        await asyncio.sleep(5)
        await s.handler.close()
        assert s.handler.state is ConnectionState.DISCONNECTED
        await asyncio.sleep(300)
        assert s.states[-1] == "disconnected"

    session(body)
