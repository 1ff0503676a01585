"""Every request there is, at four versions: which messages answer it. None is met with silence by mistake."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.gateway_sim.wire_client import SPY, WireClient, contract, place, with_simulator

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.wire.framing import frame as framed
from algo_trade.gateway_sim.wire.request_tables import REQUESTS

ID = 7
PAST = "20260227 15:59:00 US/Eastern"
SPY_FIELDS = contract(SPY)

# Message id → the fields after it, and the ids of the messages that answer; () is silence on purpose.
EVERY: dict[int, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    1: ((11, ID, *SPY_FIELDS, 0, "", 1, 0, ""), (81, 58, 1, 45, 46, 2, 57)),
    2: ((2, ID), (4,)),
    3: ((), (5, 3)),
    4: ((1, 99, ""), (4,)),
    5: ((1,), (53,)),
    6: ((2, 1, ""), (6, 8, 54)),
    7: ((3, ID, 0, "", "", "", "", "", ""), (55,)),
    8: ((1, 1), (9,)),
    9: ((8, ID, *SPY_FIELDS, 0, "", "", ""), (10, 52)),
    10: ((5, ID, *SPY_FIELDS, 3, 1, ""), (13,)),
    11: ((1, ID, 0), (4,)),
    12: ((1, 1), ()),
    13: ((1,), ()),
    14: ((1, 2), ()),
    15: ((1, 1), (4,)),
    16: ((1,), (53,)),
    17: ((1,), (15,)),
    18: ((1, 1), (4,)),
    19: ((1, 1, "<xml/>", ID), (4,)),
    20: ((ID, *SPY_FIELDS, 0, PAST, "1 min", "600 S", 1, "TRADES", 1, 0, ""), (17,)),
    21: ((2, ID, *SPY_FIELDS, 1, 1, "", 0), (4,)),
    22: ((ID, 10, "STK", "STK.US", "TOP_PERC_GAIN", *[""] * 18), (4,)),
    23: ((1, ID), ()),
    24: ((1,), (19,)),
    25: ((1, ID), (4,)),
    49: ((1,), (49,)),
    50: ((3, ID, *SPY_FIELDS, 0, "MIDPOINT", 1, ""), (50,)),
    51: ((1, ID), (4,)),
    52: ((2, ID, *SPY_FIELDS, "ReportSnapshot", ""), (4,)),
    53: ((1, ID), ()),
    54: ((3, ID, *SPY_FIELDS, 1.0, 1.0, ""), (4,)),
    55: ((3, ID, *SPY_FIELDS, 1.0, 1.0, ""), (4,)),
    56: ((1, ID), ()),
    57: ((1, ID), ()),
    58: ((1,), ()),
    59: ((1, 3), ()),
    61: ((1,), (62,)),
    62: ((1, ID, "All", "NetLiquidation"), (63, 64)),
    63: ((1, ID), ()),
    64: ((1,), ()),
    65: ((1, "name", "1"), (4,)),
    66: ((1, "data"), (4,)),
    67: ((1, ID), (67,)),
    68: ((1, ID, 1), (68,)),
    69: ((1, ID, "none"), ()),
    70: ((1, ID), ()),
    72: ((1, "name", "1", ""), (4,)),
    73: ((1, "data", ""), (4,)),
    74: ((1, ID, "", ""), (72,)),
    75: ((1, ID), ()),
    76: ((1, ID, "", "", 0), (73, 74)),
    77: ((1, ID), ()),
    78: ((ID, "SPY", "", "STK", SPY), (75, 76)),
    79: ((ID,), (77,)),
    80: ((), (78,)),
    81: ((ID, "SP"), (79,)),
    82: ((), (80,)),
    83: ((ID, "9c0001"), (82,)),
    84: ((ID, "BRFG", "1", ""), (4,)),
    85: ((), (85,)),
    86: ((ID, SPY, "BRFG", "", "", 10, ""), (4,)),
    87: ((ID, *SPY_FIELDS, 0, 1, "TRADES", 1), (88,)),
    88: ((ID, *SPY_FIELDS, 0, 1, "1 day"), (89,)),
    89: ((ID,), ()),
    90: ((ID,), ()),
    91: ((26,), (93,)),
    92: ((ID, "", ""), (94,)),
    93: ((ID,), ()),
    94: ((ID, "", "", SPY), (95,)),
    95: ((ID,), ()),
    96: ((ID, *SPY_FIELDS, 0, PAST, "", 10, "BID_ASK", 1, 0, ""), (97,)),
    97: ((ID, *SPY_FIELDS, "BidAsk", 0, 0), (99,)),
    98: ((ID,), (4,)),
    99: ((0,), (102,)),
    100: ((ID,), (4,)),
    101: ((ID,), ()),
    102: ((ID, SPY), (4,)),
    103: ((ID,), ()),
    104: ((ID,), (107,)),
}
# Fields that only newer versions have, and how many, at the end.
SINCE = {9: 176, 4: 169}
# Feeds that tick: how long until their first message.
WAITS_S = {50: 11.0, 1: 0.15, 20: 0.15, 96: 0.15}


def test_no_request_is_forgotten_here() -> None:
    """A new row in the gateway's table is a new row in this one."""
    assert EVERY.keys() == REQUESTS.keys()


@pytest.mark.parametrize("version", [157, 163, 176, 178])
def test_every_request_is_answered_by_its_messages(version: int) -> None:
    """Each on a connection of its own, so that nothing else is heard."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        await asyncio.sleep(30)  # until there were trades
        for number, (fields, expected) in sorted(
            EVERY.items(), key=lambda row: row[0] == 3
        ):  # its order stays
            client = await WireClient.open(*simulator.address, client_id=2, versions=f"v{version}..{version}")
            if number == 3:
                request: tuple[Any, ...] = tuple(place(1, quantity=10, version=version, lmtPrice=1.0))
            else:
                short = version < SINCE.get(number, 0)
                request = (number, *(fields[:-1] if short else fields))
            answers = await client.ask(*request, wait=WAITS_S.get(number, 0.1))
            ids = tuple(dict.fromkeys(int(answer[0]) for answer in answers))
            assert set(ids) == set(expected), f"{number}: {answers[:3]}"
            assert not expected or ids[-1] == expected[-1] or number in {3, 10}, f"{number}: {ids}"
            for error in [answer for answer in answers if answer[0] == "4"]:
                assert len(error) == (6 if version >= 166 else 5)
                assert error[2] in {str(ID), "99", "-1"}
            client.close()

    with_simulator(body)


def test_a_message_of_the_binary_age_fails_alone() -> None:
    """Its id and bytes that are no text: 505, and the connection stays."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.raw(framed(b"203\0\x08\xff\xfe\x80\x12"))
        client.raw(framed((203).to_bytes(4, "big") + b"\x08\xff"))
        (current,) = (await client.ask(49, 1))[-1:]
        assert current[0] == "49"
        assert [fields[3] for fields in client.of(4) if fields[3][0] != "2"] == ["505", "505"]

    with_simulator(body)


def test_a_summary_has_every_tag_and_the_ledger() -> None:
    """Those that are asked for, each once, in dollars where they are money."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        tags = "AccountType,NetLiquidation,Cushion,LookAheadAvailableFunds,DayTradesRemaining,Nothing,$LEDGER:ALL"
        frames = await client.ask(62, 1, ID, "All", tags)
        rows = {frame[4]: tuple(frame[5:7]) for frame in frames if frame[0] == "63"}
        assert list(rows)[:5] == tags.split(",")[:5]
        assert rows["Cushion"] == ("1", "")
        assert rows["LookAheadAvailableFunds"] == ("1000000.00", "USD")
        assert rows["DayTradesRemaining"] == ("-1", "")
        assert rows["TotalCashBalance"] == ("1000000.00", "USD")
        assert rows["ExchangeRate"][0] == "1.00"
        assert "Nothing" not in rows
        assert frames[-1] == ["64", "1", str(ID)]
        assert (await client.ask(62, 1, 8, "Family", tags))[0][2:4] == ["8", "321"]
        assert (await client.ask(62, 1, 8, "All", tags))[-1][0] == "64"
        assert (await client.ask(62, 1, 9, "All", tags))[0][2:4] == ["9", "322"]

    with_simulator(body)


def test_the_ledger_alone_is_told_to_who_wants_no_more() -> None:
    """Request 76 with ledgerAndNLV: the net liquidation value and the values by currency, at first and after a fill."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        frames = await client.ask(76, 1, ID, "", "", 1)
        names = [frame[5] for frame in frames if frame[0] == "73"]
        assert names[0] == "NetLiquidation" and {"CashBalance", "ExchangeRate", "RealizedPnL"} < set(names)
        assert "BuyingPower" not in names
        assert frames[-1] == ["74", "1", str(ID)]
        more = await client.ask(76, 1, 8, "", "", 0)
        assert {"NetLiquidation", "BuyingPower", "InitMarginReq"} < {
            frame[5] for frame in more if frame[0] == "73"
        }
        filled = await client.ask(*place(1), wait=2)
        assert names == [frame[5] for frame in filled if frame[:3] == ["73", "1", str(ID)]][: len(names)]
        assert "BuyingPower" not in {frame[5] for frame in filled if frame[:3] == ["73", "1", str(ID)]}

    with_simulator(body)


def test_account_feeds_have_ids_of_their_own_and_an_end() -> None:
    """322 for one in use, and for the one too many: memory is bounded whatever is asked."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert (await client.ask(92, ID, "", ""))[0][0] == "94"
        assert (await client.ask(94, ID, "", "", SPY))[0][2:4] == [str(ID), "322"]
        await client.ask(93, ID)
        assert (await client.ask(94, ID, "", "", SPY))[0][0] == "95"
        for number in range(100, 600):
            await client.ask(74, 1, number, "", "", wait=0.03)
        refused = client.of(4)[-1]
        assert refused[2:4] == ["599", "322"]

    with_simulator(body)


def test_at_most_fifty_historical_requests_are_open() -> None:
    """162 for the next, and room again once they are answered."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        for number in range(51):
            client.send(20, number, *SPY_FIELDS, 0, "", "1 day", f"{number + 1} D", 1, "TRADES", 1, 0, "")
            if number == 40:
                await client.ask(49, 1, wait=1.1)
        await client.ask(49, 1, wait=1.1)
        assert not [frame for frame in client.of(4) if frame[3] == "162" and "open already" not in frame[4]]
        refused = [frame[2] for frame in client.of(4) if "open already" in frame[4]]
        assert refused == ["50"]

    with_simulator(body, history_ms=5_000.0)
