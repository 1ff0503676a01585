"""The journal: all or nothing, one owner, nothing forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest
from tests.order_plane.make import NOW, intent, report

from algo_trade.contracts import AmendmentAction, OrderAmendment
from algo_trade.order_plane.amendment import Amendment, AmendmentState, Step
from algo_trade.order_plane.journal import Journal, JournalStop, LeaseLost
from algo_trade.order_plane.lifecycle import OrderState, Trigger
from algo_trade.order_plane.order import Order, OrderKind
from algo_trade.risk import Terms

PATH = "DSIM001.journal.db"

Open = Callable[[], Journal]


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Open]:
    """Opens the same file each time; what is still open is closed at the end."""
    with ExitStack() as opened:

        def open_one() -> Journal:
            journal = Journal(tmp_path / PATH, "DSIM001")
            opened.callback(journal.close)
            return journal

        yield open_one


FIRST_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, intent_id TEXT UNIQUE NOT NULL, session_id TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, price_micros INTEGER NOT NULL,
    accepted_ns INTEGER NOT NULL, sent_ns INTEGER, acknowledged_ns INTEGER, last_fill_ns INTEGER,
    broker_status TEXT NOT NULL, reason TEXT NOT NULL, stated_filled INTEGER NOT NULL, ending TEXT,
    reports INTEGER NOT NULL, intent BLOB NOT NULL
);
"""


def change(of: Order, number: int, **terms: Any) -> Amendment:
    wish = OrderAmendment(
        amendment_id=uuid5(of.intent_id, str(number)),
        intent_id=of.intent_id,
        session_id=of.session_id,
        symbol=of.symbol,
        strategy_id="OFI",
        action=AmendmentAction.REPLACE,
        timestamp=NOW,
        valid_until=NOW,
        **terms,
    )
    return Amendment(wish, of.terms.changed(wish), 5)


def order(number: int = 1) -> Order:
    made = Order.accept(intent(number), OrderKind.STRATEGY, 5)
    made.price_micros = 100_000_000
    return made


def test_an_order_comes_back_as_it_was(open_journal: Open) -> None:
    journal = open_journal()
    kept = order()
    kept.order_id, kept.sent_ns, kept.broker_status, kept.ending = 7, 9, "Submitted", Trigger.CANCEL
    kept.apply(Trigger.SEND)
    kept.count_fill("e1.01", 1, 100_010_000, 11)
    kept.count_commission("e1.01", 1_000_000)
    with journal.transaction():
        journal.put(kept)
    journal.close()
    assert open_journal().orders() == [kept]


def test_amendments_come_back_as_long_as_they_are_not_settled(open_journal: Open) -> None:
    journal = open_journal()
    kept = order()
    kept.apply(Trigger.SEND)
    kept.apply(Trigger.EVIDENCE)
    settled, lost, waiting = (change(kept, number, quantity=number) for number in (3, 4, 5))
    kept.amendments = [settled, lost, waiting]
    for one in (settled, lost, waiting):
        one.take(Step.SEND)
        one.sent_ns = 12
    kept.confirm(settled)
    kept.settle(lost, Step.LOSE, "not confirmed")
    with journal.transaction():
        journal.put(kept)
    journal.close()
    journal = open_journal()
    kept.answers.clear()
    assert journal.orders() == [kept]
    assert kept.terms.quantity == 3
    assert [one.state for one in kept.amendments] == [AmendmentState.LOST, AmendmentState.SENDING]
    assert all(journal.knows_amendment(one.amendment_id) for one in (settled, lost, waiting))
    assert not journal.knows_amendment(change(kept, 6, quantity=6).amendment_id)


def test_a_journal_of_the_first_schema_is_brought_up_to_date(tmp_path: Path, open_journal: Open) -> None:
    """An account's orders are kept for years: a new version must find them."""
    old = intent()
    old_rows = sqlite3.connect(tmp_path / PATH)
    old_rows.executescript(FIRST_SCHEMA)
    old_rows.execute(
        "INSERT INTO orders VALUES (1,?,?,'STRATEGY','WORKING',7,8,100000000,5,6,7,NULL,'Submitted','',0,NULL,2,?)",
        (str(old.intent_id), old.session_id, old.encode()),
    )
    old_rows.execute("INSERT INTO meta VALUES ('schema','1'), ('account','DSIM001')")
    old_rows.commit()
    old_rows.close()
    for _ in range(2):
        journal = open_journal()
        (found,) = journal.orders()
        assert (found.intent, found.state, found.order_id) == (old, OrderState.WORKING, 7)
        assert (found.terms, found.most_shares, found.adaptive) == (Terms(2, 100.0, None), 2, "")
        with journal.transaction():
            journal.put(found)
        journal.close()


def test_a_journal_of_a_later_schema_is_refused(open_journal: Open) -> None:
    journal = open_journal()
    journal._db.execute("UPDATE meta SET value='99' WHERE name='schema'")
    journal.close()
    with pytest.raises(JournalStop, match="schema 99"):
        open_journal()


def test_a_transaction_that_fails_leaves_nothing(open_journal: Open) -> None:
    journal = open_journal()
    with pytest.raises(RuntimeError), journal.transaction():
        journal.put(order())
        journal.set_offset("log", "order_intents", 0, 4)
        raise RuntimeError("crash in between")
    assert journal.orders() == []
    assert journal.offset("log", "order_intents", 0) is None


def test_offsets_belong_to_their_log_and_never_go_back(open_journal: Open) -> None:
    journal = open_journal()
    with journal.transaction():
        journal.set_offset("log-a", "order_intents", 0, 4)
        journal.set_offset("log-a", "order_intents", 0, 2)
    assert journal.offset("log-a", "order_intents", 0) == 4
    assert journal.offset("log-b", "order_intents", 0) is None


def test_a_report_is_kept_once(open_journal: Open) -> None:
    journal = open_journal()
    told = report(fills=[])
    with journal.transaction():
        journal.put_report(told, "session-1")
    assert journal.reports("session-1") == [told]
    assert journal.reports("session-2") == []
    with pytest.raises(JournalStop), journal.transaction():
        journal.put_report(told, "session-1")


def test_the_latch_survives_and_only_a_named_person_opens_it(open_journal: Open) -> None:
    journal = open_journal()
    assert journal.latched() is None
    journal.latch(5, "session-1", "PT-06 loss")
    journal.close()
    journal = open_journal()
    latched = journal.latched()
    assert latched is not None and latched.text == "PT-06 loss"
    with pytest.raises(ValueError, match="name and a reason"):
        journal.reset_latch(6, " ", "because")
    journal.reset_latch(6, "Ann", "looked at it")
    assert journal.latched() is None


def test_a_second_process_is_refused(open_journal: Open) -> None:
    first = open_journal()
    with pytest.raises(JournalStop, match="in use"):
        open_journal()
    first.close()
    open_journal().close()


def test_another_accounts_journal_is_refused(tmp_path: Path, open_journal: Open) -> None:
    open_journal().close()
    with pytest.raises(JournalStop, match="another account"):
        Journal(tmp_path / PATH, "DU1234567")


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, open_journal: Open) -> None:
    (tmp_path / PATH).write_bytes(b"not a database" * 100)
    with pytest.raises(JournalStop, match="cannot be opened"):
        open_journal()


def test_a_full_disk_stops_and_acknowledges_nothing(open_journal: Open) -> None:
    journal = open_journal()
    journal._db.execute(f"PRAGMA max_page_count={journal._db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(JournalStop, match="cannot be written"):
        for number in range(1, 200):
            with journal.transaction():
                journal.put(order(number))
    kept = len(journal.orders())
    journal.close()
    assert len(open_journal().orders()) == kept


def test_the_journal_waits_for_the_disk_unless_told_otherwise(tmp_path: Path, open_journal: Open) -> None:
    """FULL: a commit that returned survives the loss of power, as far as the disk tells the truth."""
    journal = open_journal()
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
    journal.close()
    quick = Journal(tmp_path / PATH, "DSIM001", synchronous="normal")
    assert quick._db.execute("PRAGMA synchronous").fetchone() == (1,)
    quick.close()


def test_states_are_written_by_name(open_journal: Open) -> None:
    """Numbers would change their meaning with the next state that is added."""
    journal = open_journal()
    with journal.transaction():
        journal.put(order())
    assert journal._db.execute("SELECT state FROM orders").fetchone() == (OrderState.ACCEPTED.value,)


def test_who_lost_the_lease_writes_nothing_more(tmp_path: Path, open_journal: Open) -> None:
    """The lock is gone with its file, as on a file system that knows none: the second order plane gets in."""
    stale = open_journal()
    kept = order()
    with stale.transaction():
        stale.put(kept)
    (tmp_path / PATH).with_name(Path(PATH).name + ".lock").unlink()
    holder = open_journal()
    assert holder.epoch == stale.epoch + 1
    kept.apply(Trigger.SEND)
    with pytest.raises(LeaseLost, match="taken this account over"), stale.transaction():
        stale.put(kept)
    with holder.transaction():
        holder.put(order(2))
    assert [one.state for one in holder.orders()] == [OrderState.ACCEPTED, OrderState.ACCEPTED]
