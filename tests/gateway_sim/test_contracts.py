"""Instruments on the wire: by every name a client may know one by, and refused where a field does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from tests.gateway_sim.wire_client import AAPL, WireClient, with_simulator

from algo_trade.gateway_sim import GatewaySimulator

FIELDS = [
    "conId",
    "symbol",
    "secType",
    "lastTrade",
    "strike",
    "right",
    "multiplier",
    "exchange",
    "primaryExchange",
    "currency",
    "localSymbol",
    "tradingClass",
]


def details(*, by_isin: str = "", **given: Any) -> tuple[Any, ...]:
    """Request 9 with these fields of a contract, the others empty."""
    contract = [given.get(name, "") for name in FIELDS]
    return (9, 8, 7, *contract, 0, "ISIN" if by_isin else "", by_isin, "")


FOUND: dict[str, dict[str, Any]] = {
    "id": {"conId": AAPL},
    "symbol": {"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"},
    "local symbol": {"localSymbol": "AAPL", "primaryExchange": "NASDAQ", "secType": "STK"},
    "ISIN": {"by_isin": "US0378331005", "secType": "STK"},
    "listing": {"symbol": "AAPL", "secType": "STK", "exchange": "NASDAQ"},
}


@pytest.mark.parametrize("given", FOUND.values(), ids=FOUND)
def test_an_instrument_is_found_by_each_of_its_names(given: dict[str, Any]) -> None:
    """With its id, listing, market rules and ISIN, and the end after it."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        found, end = await client.ask(*details(**given))
        assert (found[2], found[3], found[12]) == ("AAPL", "STK", str(AAPL))
        assert "NASDAQ" in found
        assert found[found.index("ISIN") + 1] == "US0378331005"
        assert found[found.index("26,26") + 2] == "COMMON"
        assert end == ["52", "1", "7"]

    with_simulator(body)


LOST: dict[str, dict[str, Any]] = {
    "id": {"conId": 5},
    "primary exchange": {"symbol": "AAPL", "secType": "STK", "primaryExchange": "NYSE"},
    "a future": {"symbol": "AAPL", "secType": "FUT"},
    "a single-stock future": {"symbol": "AAPL", "secType": "SSF"},
    "currency": {"symbol": "AAPL", "secType": "STK", "currency": "EUR"},
    "two names": {"conId": AAPL, "symbol": "SPY"},
    "ISIN": {"by_isin": "US0378331004"},
    "nothing": {},
}


@pytest.mark.parametrize("given", LOST.values(), ids=LOST)
def test_what_does_not_fit_is_no_instrument(given: dict[str, Any]) -> None:
    """200, and no end."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        (refused,) = await client.ask(*details(**given))
        assert refused[2:5] == ["7", "200", "No security definition has been found for the request"]

    with_simulator(body)


def test_rules_components_and_option_chains_of_what_is_not_there() -> None:
    """321 for a rule or a map nobody knows; a chain of nothing is an end."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert await client.ask(91, 26) == [["93", "26", "1", "0.0", "0.01"]]
        assert (await client.ask(91, 27))[0][3] == "321"
        assert (await client.ask(83, 7, "a60001"))[0][2:4] == ["7", "321"]
        assert await client.ask(78, 7, "XX", "", "STK", 5) == [["76", "7"]]
        chain, end = await client.ask(78, 7, "AAPL", "", "STK", AAPL)
        assert chain[:10] == [
            "75",
            "7",
            "SMART",
            str(AAPL),
            "AAPL",
            "100",
            "3",
            "20260417",
            "20260515",
            "20260619",
        ]
        assert chain[10] == "5"
        assert len(chain) == 16
        assert end == ["76", "7"]

    with_simulator(body)
