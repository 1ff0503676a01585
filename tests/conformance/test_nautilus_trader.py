"""A live node of NautilusTrader 1.221 with its own adapter; a second one finds what the first left."""

from __future__ import annotations

import pytest
from tests.conformance.conftest import Seen
from tests.conformance.harness import NAUTILUS

CLIENT, DRIVER, RUNS = "nautilus-trader", "drive_nautilus.py", [("trade",), ("resume",)]

pytestmark = pytest.mark.slow


def test_both_nodes_run_to_their_end(seen: Seen) -> None:
    assert seen.all("end") == [{}, {}]


def test_it_loads_the_instrument_and_the_account(seen: Seen) -> None:
    assert seen.one("instrument") == {"tick": "0.01", "lot": "100", "isin": "US0378331005"}
    assert seen.one("account") == {"id": "INTERACTIVE_BROKERS-DSIM001", "total": "1000000.00 USD"}


def test_quotes_trades_and_bars(seen: Seen) -> None:
    assert seen.one("quotes")["bids"] == ["499.97", "499.98"]
    # Its own filler: a price of reqMktData whose size it has not heard of yet it tells with a size of 1.
    assert set(seen.one("quotes")["sizes"]) - {"1"} == {"100"}
    assert seen.one("trades") == {"prices": ["499.99"]}
    assert seen.one("live bars") == {"close": "499.99", "step_ns": 0}
    assert seen.one("past bars")["count"] > 5


@pytest.mark.parametrize("name", NAUTILUS)
def test_orders(seen: Seen, name: str) -> None:
    [told] = [line for line in seen.all("order") if line["name"] == name]
    status, filled = NAUTILUS[name]
    assert (told["status"], int(told["filled"])) == (status, filled)
    assert told["events"][:2] == ["Initialized", "Submitted"]
    assert ("Accepted" in told["events"]) == (status != "REJECTED")


def test_modify(seen: Seen) -> None:
    changed = seen.one("modify")
    assert (changed["price"], changed["quantity"]) == ("491.00", "200")
    assert seen.one("modified to fill")["filled"] == "200"
    assert seen.one("modified to fill")["fills"] == 2


def test_bracket(seen: Seen) -> None:
    assert seen.one("bracket") == {"entry": "FILLED", "stop": "CANCELED", "profit": "FILLED"}


def test_positions(seen: Seen) -> None:
    assert list(seen.one("positions")["held"]) == ["AAPL.NASDAQ"]
    assert "PositionOpened" in seen.one("positions")["kinds"]


def test_a_cut_connection_comes_back_with_its_quotes_and_orders(seen: Seen) -> None:
    again = seen.one("reconnect")
    assert (again["resting"], again["after"]) == ("CANCELED", "FILLED")
    before, after = seen.one("positions")["held"], again["held"]
    assert int(before["AAPL.NASDAQ"]) - int(after["AAPL.NASDAQ"]) == 100


def test_a_new_node_reconciles_what_the_first_left(seen: Seen) -> None:
    left, resumed = seen.one("left"), seen.one("resumed")
    assert resumed["held"] == left["held"]
    assert resumed["orders"] == [[left["order"], "ACCEPTED"]]
