"""What somebody who watches is told agrees with what the session did, and watching changes nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.session.test_session import plan, run

from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.session.parts import Parts
from algo_trade.session.progress import Holding, OrderCounts, State, Status
from algo_trade.session.report import build_report
from algo_trade.session.watch import status


class Everything:
    """A watcher that always has use for a status and keeps them all."""

    def __init__(self) -> None:
        self.seen: list[Status] = []

    def due(self) -> bool:
        return True

    def show(self, status: Status) -> None:
        self.seen.append(status)


def test_a_stopped_session_as_it_was_seen(tmp_path: Path) -> None:
    """From the first quote over the stop to the end; and the same session when nobody looks."""
    watched, alone = (
        plan(tmp_path / name, overrides={"kill_switch.pnl_usd": -12}) for name in ("watched", "alone")
    )
    watcher = Everything()
    assert run(watched, watcher=watcher).kill_reason is not None
    assert run(alone).kill_reason is not None
    summary = build_report(watched.directory).summary
    assert build_report(alone.directory).summary.digest == summary.digest

    states = [seen.state for seen in watcher.seen]
    first_stopped = states.index(State.STOPPED)
    assert State.TRADING in states[:first_stopped]
    assert set(states[first_stopped:]) == {State.STOPPED}
    assert "PT-06" in watcher.seen[-1].reason and "reset-kill" in watcher.seen[-1].advice

    last = watcher.seen[-1]
    assert (last.mode, last.strategy, last.duration_s) == ("SIM", "OFI", 240)
    assert last.orders.filled == summary.filled_orders > 3
    assert (last.orders.working, last.orders.unknown, last.holdings) == (0, 0, {})
    assert last.money.total == pytest.approx(summary.pnl.total)
    assert last.money.commission == summary.pnl.commission
    assert (last.money.stop, last.money.drawdown_stop, last.money.to_stop) == (-12, 500, 1.0)
    assert 0 < watcher.seen[first_stopped // 2].money.to_stop < 1
    assert any(note.text.startswith("kill latched: PT-06") for note in last.notes)
    assert [note.number for note in last.notes] == list(range(1, len(last.notes) + 1))
    held = [seen.holdings for seen in watcher.seen if seen.holdings]
    assert held and all(holding.worth for holdings in held for holding in holdings.values())
    ages = watcher.seen[-2].quote_ages_s
    assert ages.keys() == {"SPY", "QQQ"} and all(age is not None and 0 <= age < 2 for age in ages.values())


def parts(**different: Any) -> Parts:
    """Parts of a session that trades, as far as a status looks at them; and what is different."""
    now_ns = 10**18
    fields: dict[str, Any] = {
        "kill": None,
        "halted": None,
        "gate": None,
        "connected": True,
        "frozen": {},
        "age_s": 0.5,
        "orders": [],
    } | different
    mark = None
    if fields["age_s"] is not None:
        mark = SimpleNamespace(arrival_ns=now_ns - int(fields["age_s"] * 1e9), mid_micros=500_000_000)
    pnl = SimpleNamespace(
        total_micros=-50_000_000, realised_micros=0, unrealised_micros=0, commission_micros=0
    )
    return cast(
        Parts,
        SimpleNamespace(
            orders=SimpleNamespace(
                kill_reason=fields["kill"],
                intake=SimpleNamespace(halted=fields["halted"]),
                ledger=SimpleNamespace(
                    frozen=fields["frozen"],
                    of_session=lambda: fields["orders"],
                    portfolio=SimpleNamespace(positions=lambda: {"SPY": -2}),
                ),
                marks=SimpleNamespace(get=lambda _symbol: mark),
                monitor=SimpleNamespace(peak_micros=400_000_000),
                pnl=lambda: pnl,
            ),
            handler=SimpleNamespace(
                orders=SimpleNamespace(gate=SimpleNamespace(reason=fields["gate"])),
                connection=SimpleNamespace(connected=fields["connected"]),
                mode=lambda _profile, _clock: "PAPER",
            ),
            producer=SimpleNamespace(counts=SimpleNamespace(processed=7)),
        ),
    )


class Stopped:
    """A clock that shows one moment."""

    def now_ns(self) -> int:
        return 10**18

    def monotonic_ns(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("different", "state", "reason"),
    [
        ({}, State.TRADING, ""),
        ({"age_s": 6.0}, State.NO_QUOTES, "no quote of any symbol for 6 s"),
        ({"age_s": None}, State.NO_QUOTES, "there has been no quote yet"),
        ({"frozen": {"SPY": "who knows"}, "age_s": 9.0}, State.DOUBT, "SPY: who knows"),
        ({"gate": "1100", "frozen": {"SPY": "x"}}, State.RECONCILING, "1100"),
        ({"gate": "closed", "connected": False}, State.OFFLINE, "closed"),
        ({"halted": "over", "connected": False, "gate": "x"}, State.ENDING, "over"),
        ({"kill": "PT-06", "halted": "PT-06", "connected": False}, State.STOPPED, "PT-06"),
    ],
)
def test_the_most_serious_state_is_told(
    tmp_path: Path, different: dict[str, Any], state: State, reason: str
) -> None:
    told = status(plan(tmp_path), Stopped(), parts(**different), [])
    assert (told.state, told.reason) == (state, reason)


def test_the_nearer_of_the_two_stops_counts(tmp_path: Path) -> None:
    """$50 of $100 lost is half of the way; $450 below the best of $500 allowed is nine tenths."""
    told = status(plan(tmp_path), Stopped(), parts(), [])
    assert told.money.to_stop == pytest.approx(0.9)
    assert told.holdings == {"SPY": Holding(-2, -1000.0)}


def test_orders_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    states = [OrderState.WORKING, OrderState.UNKNOWN, OrderState.SENDING, OrderState.ACCEPTED]
    states += [
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.REFUSED,
        OrderState.EXPIRED,
    ]
    orders = [
        SimpleNamespace(state=state, fills={"x": 1} if state is OrderState.FILLED else {}) for state in states
    ]
    told = status(plan(tmp_path), Stopped(), parts(orders=orders), [])
    assert told.orders == OrderCounts(working=3, filled=1, cancelled=1, rejected=1, refused=2, unknown=1)
