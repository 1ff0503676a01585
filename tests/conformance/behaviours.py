"""What every client's user must see of the simulator; a client's own file runs them all."""

from __future__ import annotations

import pytest
from tests.conformance.conftest import Seen
from tests.conformance.orders import ROWS, Row

BIDS, ASKS, LAST = {499.97, 499.98}, {500.0, 500.01}, 499.99


@pytest.mark.slow
class Behaviours:
    """One test a behaviour."""

    version: int

    def test_it_runs_to_its_end(self, seen: Seen) -> None:
        assert seen.one("end") == {}

    def test_connects_with_its_own_version_an_account_and_an_order_id(self, seen: Seen) -> None:
        connected = seen.one("connect")
        assert (connected["version"], connected["accounts"]) == (self.version, "DSIM001")
        assert connected["next_id"] >= 1

    def test_contract_details(self, seen: Seen) -> None:
        found = seen.one("contract")
        assert {"LMT", "MKT", "STP", "STPLMT", "ALGO"} <= set(found.pop("types"))
        assert found == {
            "symbol": "SPY", "con_id": 756733, "primary": "ARCA", "isin": ["US78462F1030"],
            "min_tick": 0.01, "zone": "US/Eastern", "hours": True,
        }  # fmt: skip
        assert seen.one("contract by") == {"con_id": ["SPY"], "local": ["AAPL"]}
        assert seen.one("unknown contract")["codes"] == [200]

    def test_symbols_rules_and_chains(self, seen: Seen) -> None:
        assert "SPY" in seen.one("matching")["symbols"]
        assert seen.one("rule")["steps"] == [0.01]
        assert seen.one("chains")["ended"] == 1

    def test_general_requests_are_answered(self, seen: Seen) -> None:
        asked = [
            each
            for each in ("time", "families", "news", "scanner", "depth exchanges", "ids", "user")
            if seen.all(each)
        ]
        assert {"time", "news", "scanner", "depth exchanges"} <= set(asked)
        assert {each for each in asked if seen.one(each) != {"answered": True}} == set()

    @pytest.mark.parametrize("about", ["stream", "snapshot"])
    def test_top_of_book(self, seen: Seen, about: str) -> None:
        top = seen.one(about)
        assert (top["bid"] in BIDS, top["ask"] in ASKS, top["last"]) == (True, True, LAST)
        assert (top["bid_size"], top["ask_size"]) == (100, 100)
        assert top.get("parameters", 1) == top.get("ended", 1) == 1

    def test_unknown_data(self, seen: Seen) -> None:
        assert seen.one("unknown data")["codes"] == [200]

    def test_tick_by_tick_of_four_kinds(self, seen: Seen) -> None:
        prices = {line["kind"]: set(line["prices"]) for line in seen.all("tick")}
        assert prices == {"Last": {LAST}, "AllLast": {LAST}, "BidAsk": BIDS, "MidPoint": {LAST}}
        assert [line["codes"] for line in seen.all("tick")] == [[]] * 4

    def test_depth(self, seen: Seen) -> None:
        assert seen.one("depth")["sides"] == [0, 1]
        assert seen.one("depth")["codes"] == []

    def test_historical_bars(self, seen: Seen) -> None:
        text, epoch, days = (seen.one(each) for each in ("bars", "epoch bars", "day bars"))
        # Of two days one may be short, and one have just begun.
        assert 5 <= text["count"] <= 14
        assert text["sound"]
        assert epoch["first"].isdigit()
        # A year has 249 to 252 sessions, and today has a bar only when it has had a quote.
        assert days["count"] > 245
        assert len(days["first"]) == len("20260102")
        assert seen.one("bad bars")["codes"] == [321]

    def test_bars_that_go_on(self, seen: Seen) -> None:
        assert seen.one("kept bars")["updates"] == 1
        assert seen.one("live bars")["steps"] == [0]

    def test_head_timestamp(self, seen: Seen) -> None:
        [stamp] = seen.one("head")["stamp"]
        assert stamp.startswith("20")

    def test_past_ticks(self, seen: Seen) -> None:
        served = {line["what"] for line in seen.all("past ticks") if line["count"] >= 10}
        assert served == {
            "TRADES",
            "BID_ASK",
            "MIDPOINT",
        }

    def test_schedule(self, seen: Seen) -> None:
        if seen.all("schedule"):  # 9.81 knows none
            assert seen.one("schedule") == {"sessions": 5, "codes": []}

    def test_histogram_is_answered(self, seen: Seen) -> None:
        assert seen.one("histogram") == {"answered": 1}

    def test_account_and_positions(self, seen: Seen) -> None:
        figures = ["BuyingPower", "NetLiquidation"]
        assert seen.one("positions")["held"] == {"MSFT": 100}
        assert seen.one("summary")["tags"] == figures
        assert seen.one("updates") == {"values": figures, "portfolio": {"MSFT": 100}}
        assert seen.one("updates multi") == {"values": True}
        assert all(line == {"held": {"MSFT": 100}} for line in seen.all("positions multi"))
        assert (seen.one("pnl"), seen.one("pnl single")) == ({"numbers": [3]}, {"position": [100]})

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_orders(self, seen: Seen, row: Row) -> None:
        [told] = [line for line in seen.all("order") if line["name"] == row.name]
        assert (told["status"], told["filled"]) == (row.status, row.filled)
        assert told["why"] == row.why
        if row.code is not None:
            assert row.code in told["codes"]
        if row.status in {"Submitted", "PreSubmitted"}:
            assert told["ended"] == "Cancelled"

    def test_modify(self, seen: Seen) -> None:
        assert seen.one("modify") == {"price": 491, "quantity": 200, "status": "Submitted"}
        assert all(line == {"codes": [105], "status": "Submitted"} for line in seen.all("bad modify"))

    def test_partial_fills_and_their_commissions(self, seen: Seen) -> None:
        assert seen.one("partial fills") == {
            "shares": [100, 100, 50], "total": [100, 200, 250],
            "between": [0, 100, 200, 250], "paid": 1.25, "filled": 250
        }  # fmt: skip

    def test_cancels_that_come_too_late_or_for_nothing(self, seen: Seen) -> None:
        assert seen.one("cancel of filled")["codes"] == [10148]
        assert seen.one("cancel of unknown")["codes"] == [10147]
        assert all(line == {"codes": [104]} for line in seen.all("duplicate"))

    def test_brackets_and_groups(self, seen: Seen) -> None:
        assert seen.one("bracket")["statuses"] == ["Filled", "Submitted", "PreSubmitted"]
        assert seen.one("bracket left")["statuses"] == ["Filled", "Filled", "Cancelled"]
        assert seen.one("oca")["statuses"] == ["Cancelled", "Filled"]
        assert seen.one("orphan")["codes"] == [10006]

    def test_what_if_and_untransmitted_orders_place_nothing(self, seen: Seen) -> None:
        assert seen.one("what if") == {"margin": True, "status": "PreSubmitted", "placed": []}
        assert seen.one("untransmitted")["statuses"] == []

    def test_executions_and_completed_orders(self, seen: Seen) -> None:
        assert seen.one("executions") == {"same": True, "some": True, "paid": True, "filtered": 0}
        assert seen.one("completed")["statuses"] == ["Cancelled", "Filled", "Inactive"]

    def test_two_clients(self, seen: Seen) -> None:
        assert seen.one("two clients") == {"own": 0, "all": [480, 481]}
        assert seen.one("same id") == {"codes": [326], "closed": True}

    def test_reconnect_finds_orders_executions_and_a_fresh_id(self, seen: Seen) -> None:
        again = seen.one("reconnect")
        assert list(again.pop("held")) == ["MSFT"]
        assert again == {"orders": True, "executions": True, "fresh": True}

    def test_global_cancel(self, seen: Seen) -> None:
        assert seen.one("global cancel")["statuses"] == ["Cancelled", "Cancelled"]
