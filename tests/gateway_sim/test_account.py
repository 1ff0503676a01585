"""Account figures on the wire."""

from __future__ import annotations

import asyncio

from tests.gateway_sim.wire_client import SPY, WireClient, place, with_simulator

from algo_trade.gateway_sim import GatewaySimulator


def test_every_startup_request_is_answered_even_when_there_is_nothing() -> None:
    """What ib_async asks for at connect."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert await client.ask(61, 1) == [["62", "1"]]
        assert await client.ask(5, 1) == [["53", "1"]]
        assert await client.ask(99, 0) == [["102"]]
        assert (await client.ask(6, 2, 1, "DSIM001"))[-1] == ["54", "1", "DSIM001"]
        assert (await client.ask(76, 1, 3, "DSIM001", "", 0))[-1] == ["74", "1", "3"]
        assert await client.ask(7, 3, 4, "", "", "", "", "", "", "") == [["55", "1", "4"]]
        assert await client.ask(74, 1, 9, "DSIM001", "") == [["72", "1", "9"]]

    with_simulator(body)


def test_summary_has_the_tags_asked_for_and_two_subscriptions_at_most() -> None:
    """322 for the third."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        rows = await client.ask(62, 1, 1, "All", "NetLiquidation,TotalCashValue,AccountType,Unknown")
        assert [fields[4:6] for fields in rows[:-1]] == [
            ["NetLiquidation", "1000000.00"],
            ["TotalCashValue", "1000000.00"],
            ["AccountType", "INDIVIDUAL"],
        ]
        assert rows[-1] == ["64", "1", "1"]
        await client.ask(62, 1, 2, "All", "NetLiquidation")
        assert (await client.ask(62, 1, 3, "All", "NetLiquidation"))[0][2:4] == ["3", "322"]
        await client.ask(63, 1, 1)
        assert (await client.ask(62, 1, 3, "All", "NetLiquidation"))[-1][0] == "64"

    with_simulator(body)


def test_fills_push_positions_cash_and_profit_and_a_closed_position_is_told() -> None:
    """Cash is exact: what was paid, what was received, and the commissions."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await client.ask(61, 1)
        await client.ask(6, 2, 1, "DSIM001")
        await client.ask(*place(1), wait=0.5)
        await client.ask(*place(2, "SELL"), wait=0.5)
        shares = [(fields[3], fields[14]) for fields in client.of(61)]
        assert shares == [(str(SPY), "10"), (str(SPY), "0")]
        assert [fields[13] for fields in client.of(7)] == ["10", "0"]
        prices = [round(float(fields[20]) * 10_000) for fields in client.of(11)]
        cash = 1_000_000 - 2 + 10 * (prices[1] - prices[0]) / 10_000
        last = [fields for fields in client.of(6) if fields[2] == "TotalCashValue"][-1]
        assert abs(float(last[3]) - cash) < 1e-9
        realized = float(client.of(59)[1][5])
        assert abs(realized - (cash - 1_000_000)) < 1e-9

    with_simulator(body)


def test_profit_feeds_tick_once_a_second_while_they_are_wanted() -> None:
    """For the account and for one instrument."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1), wait=0.5)
        await client.ask(92, 11, "DSIM001", "")
        await client.ask(94, 12, "DSIM001", "", SPY)
        await asyncio.sleep(10)
        assert 9 <= len(client.of(94)) <= 12
        assert client.of(95)[-1][2] == "10"
        await client.ask(93, 11)
        await client.ask(95, 12)
        start = len(client.frames)
        await asyncio.sleep(10)
        assert len(client.frames) == start

    with_simulator(body)


def test_a_foreign_account_is_refused() -> None:
    """321 names it."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        refused = (await client.ask(76, 1, 3, "DU1", "", 0))[0]
        assert refused[2:4] == ["3", "321"]
        assert "DU1" in refused[4]

    with_simulator(body)
