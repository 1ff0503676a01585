"""Short sales: allowed in what can be borrowed, held in what cannot."""

from __future__ import annotations

from pathlib import Path

from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import QQQ, SPY, WireClient, contract, with_simulator

from algo_trade.gateway_sim import GatewaySimulator

CATALOGUE = "instruments:\n  SPY:\n    hard_to_borrow: true\n"
HELD = ["5 PreSubmitted", "3 PreSubmitted 0/10", "4 404"]


def test_a_short_sale_of_what_nobody_lends_is_held(tmp_path: Path) -> None:
    """PreSubmitted, held for locate, error 404; it can be cancelled, and ends with the day."""
    (tmp_path / "own.yaml").write_text(CATALOGUE)

    async def body(desk: Desk) -> None:
        assert await desk.place(1, "SELL") == HELD
        assert desk.status(1)[10] == "locate"
        assert await desk.after(lambda: desk.show(bid=101.0, ask=101.02), wait=60) == []
        await desk.restart()
        assert await desk.after(lambda: desk.show(bid=102.0, ask=102.02)) == []
        assert await desk.cancel(1) == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        await desk.place(2, "SELL", orderType="STP", auxPrice=99.0)
        assert desk.status(2)[10] == "locate,trigger"
        await desk.after(wait=6.5 * 3600)
        assert desk.status(2)[2] == "Cancelled"

    by_hand(body, catalogue=tmp_path / "own.yaml", state_path=tmp_path / "sim.db")


def test_the_shortable_tick_says_so(tmp_path: Path) -> None:
    """2.0, only if located, and no shares; 3.0 and ten million for what everybody lends."""
    (tmp_path / "own.yaml").write_text(CATALOGUE)

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        told = {}
        for request_id, con_id in ((1, SPY), (2, QQQ)):
            frames = await client.ask(1, 11, request_id, *contract(con_id), 0, "236", 0, 0, "")
            told[con_id] = [tuple(frame[3:5]) for frame in frames if frame[3:4] in (["46"], ["89"])]
        assert told == {SPY: [("46", "2.0"), ("89", "0")], QQQ: [("46", "3.0"), ("89", "10000000")]}

    with_simulator(body, catalogue=tmp_path / "own.yaml")


def test_what_is_held_can_be_sold_and_a_bracket_needs_no_loan(tmp_path: Path) -> None:
    """Selling more than is held does."""
    (tmp_path / "own.yaml").write_text(CATALOGUE)

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.02, transmit=False)
        await desk.place(2, "SELL", lmtPrice=100.10, parentId=1)
        assert desk.status(2)[2] == "Submitted"
        assert (await desk.place(3, "SELL", quantity=11))[-1] == "4 404"
        assert (await desk.place(4, "SELL"))[2] == "11 10"

    by_hand(body, catalogue=tmp_path / "own.yaml")
