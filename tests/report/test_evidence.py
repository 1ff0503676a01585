"""Good evidence, bad evidence, and no evidence: each gets its answer."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.report.writing import START, Writer, fill

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.contracts import SessionEventKind
from algo_trade.exit_codes import ExitCode
from algo_trade.session.report import (
    EvidenceError,
    EvidenceInvalid,
    EvidenceMissing,
    build_report,
    digest_of,
    read_session,
)
from algo_trade.session.report.evidence import last_record_ns


def small(directory: Path) -> Writer:
    writer = Writer(directory)
    writer.event(0, SessionEventKind.SESSION_STARTED)
    for second in range(1, 40):
        writer.tick(second, 100.0 + second / 100, 100.02 + second / 100, (second, 5))
    writer.intent(2, "one")
    writer.report(3, "one", "FILLED", [fill("a.b.01", 10, 100.0)])
    return writer


def change_a_record(directory: Path, change: Any, *, honest_checksum: bool = True) -> None:
    """Rewrite the exec report the way a forger would: `change` maps its value's bytes to others."""
    with sqlite3.connect(directory / "log" / "bus-orders.db") as db:
        row = db.execute("SELECT key, headers, value FROM records WHERE topic='exec_reports'").fetchone()
        value = change(row[2])
        crc = zlib.crc32(value, zlib.crc32(f"{row[0]}\n{row[1]}\n".encode()))
        if honest_checksum:
            db.execute("UPDATE records SET value=?, crc=? WHERE topic='exec_reports'", (value, crc))
        else:
            db.execute("UPDATE records SET value=? WHERE topic='exec_reports'", (value,))
    db.close()


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    first = build_report(small(tmp_path / "a").write(ended_s=40)).summary.digest
    assert build_report(small(tmp_path / "b").write(ended_s=40)).summary.digest == first
    other = small(tmp_path / "c")
    other.report(5, "one", "FILLED", [fill("a.b.01", 10, 100.0)])
    assert build_report(other.write(ended_s=40)).summary.digest != first


def test_changing_one_byte_of_one_record_changes_the_digest(tmp_path: Path) -> None:
    directory = small(tmp_path / "a").write(ended_s=40)
    before = build_report(directory).summary.digest
    change_a_record(directory, lambda value: value.replace(b'"price":100.0', b'"price":100.1'))
    assert build_report(directory).summary.digest != before


def test_a_changed_log_does_not_fit_the_digest_the_session_ended_with(tmp_path: Path) -> None:
    writer = small(tmp_path / "a")
    writer.record["digest"] = build_report(small(tmp_path / "b").write(ended_s=40)).summary.digest
    directory = writer.write(ended_s=40)
    assert build_report(directory).gate_failures == []
    change_a_record(directory, lambda value: value.replace(b'"price":100.0', b'"price":100.1'))
    report = build_report(directory)
    assert [finding.check for finding in report.findings] == ["digest"]
    assert report.gate_failures == ["the evidence contradicts itself in 1 point"]


def test_a_flipped_byte_without_its_checksum_is_damage(tmp_path: Path) -> None:
    directory = small(tmp_path / "a").write(ended_s=40)
    change_a_record(directory, lambda value: value.replace(b"100.0", b"100.1"), honest_checksum=False)
    with pytest.raises(EvidenceInvalid, match="exec_reports at offset 0"):
        build_report(directory)


def test_every_single_byte_of_a_record_counts(tmp_path: Path) -> None:
    """Flip each byte of each record in turn: the digest never stays the same."""
    data = small(tmp_path / "a").write(ended_s=40)
    from algo_trade.session.report.log import open_log

    with open_log(data / "log") as log:
        records = [item for topic in ("order_intents", "exec_reports") for item in log.replay(topic)]
    assert digest_of(records) == read_session(data).digest
    whole = digest_of(records)
    for index, record in enumerate(records):
        for place in range(len(record.value)):
            value = bytearray(record.value)
            value[place] ^= 1
            changed = [*records[:index], record._replace(value=bytes(value)), *records[index + 1 :]]
            assert digest_of(changed) != whole, f"byte {place} of {record.topic}"


def test_a_report_no_contract_allows_is_invalid(tmp_path: Path) -> None:
    directory = small(tmp_path / "a").write(ended_s=40)
    change_a_record(directory, lambda value: value.replace(b'"FILLED"', b'"FULL"'))
    with pytest.raises(EvidenceInvalid, match="exec_reports, offset 0: not a valid ExecutionReport"):
        build_report(directory)


@pytest.mark.parametrize("name", ["bus-orders.db", "bus-market.db"])
def test_a_truncated_log_is_said_not_guessed(tmp_path: Path, name: str) -> None:
    directory = small(tmp_path / "a").write(ended_s=40)
    path = directory / "log" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(EvidenceInvalid, match=r"the session's log cannot be read"):
        build_report(directory)


def test_no_session_no_report(tmp_path: Path) -> None:
    with pytest.raises(EvidenceMissing, match=r"there is no session\.json"):
        build_report(tmp_path)
    with pytest.raises(EvidenceMissing):
        build_report(tmp_path / "nowhere")
    directory = small(tmp_path / "a").write(ended_s=40)
    shutil.rmtree(directory / "log")
    with pytest.raises(EvidenceMissing, match="the session's log is not there"):
        build_report(directory)
    assert EvidenceError.exit_code is ExitCode.EVIDENCE


@pytest.mark.parametrize("content", ["", "{", "[]", '{"session_id": 1}', "\x00\xff"])
def test_a_record_that_is_none_is_invalid(tmp_path: Path, content: str) -> None:
    directory = small(tmp_path / "a").write(ended_s=40)
    (directory / "session.json").write_text(content)
    with pytest.raises(EvidenceInvalid, match="is not a session's record"):
        build_report(directory)


def test_a_killed_session_is_reported_as_far_as_it_came(tmp_path: Path) -> None:
    """The bus was never closed: what was published is there, the last group of ticks may not be."""
    writer = small(tmp_path / "a")
    writer.event(30.5, SessionEventKind.GATEWAY_STATE)
    summary = build_report(writer.write(kill=True)).summary
    assert not summary.finished
    assert summary.wall_s is None
    assert 30.5 <= summary.duration_s <= 40
    assert 29 <= summary.ticks <= 39
    assert summary.filled_orders == 1
    assert summary.positions_match_broker is None
    report = build_report(tmp_path / "a")
    assert "did not come to its end" in report.html
    assert "unfinished" in report.html


def test_a_session_killed_at_once_has_a_report(tmp_path: Path) -> None:
    report = build_report(Writer(tmp_path).write(kill=True))
    assert report.summary.intents == report.summary.ticks == 0
    assert report.summary.fill_rate.value is None
    assert report.summary.dlq.rate is None
    assert report.gate_failures == []
    assert last_record_ns(tmp_path) == 0


def test_the_last_record_is_the_newest_of_all_topics(tmp_path: Path) -> None:
    directory = small(tmp_path / "a").write(ended_s=40)
    assert last_record_ns(directory) == VIRTUAL_START_NS + 39 * 10**9


def test_a_refused_intent_is_a_dead_letter_not_an_error(tmp_path: Path) -> None:
    writer = small(tmp_path)
    writer.add(5, "order_intents", b'{"symbol": 1}')
    origin = (
        ("dlq.reasons", json.dumps(["intent_id: Field required"]).encode()),
        ("dlq.topic", b"order_intents"),
        ("dlq.partition", b"0"),
        ("dlq.offset", b"1"),
    )
    writer.add(5, "dlq_order_intents", b'{"symbol": 1}', headers=origin)
    report = build_report(writer.write(ended_s=40))
    assert report.summary.dlq.count == 1
    assert report.summary.dlq.rate == pytest.approx(1 / 42)
    assert report.summary.intents == 1
    assert "intent_id: Field required" in report.html


def test_an_invalid_intent_nobody_refused_is_invalid_evidence(tmp_path: Path) -> None:
    writer = small(tmp_path)
    writer.add(5, "order_intents", b"rubbish")
    with pytest.raises(EvidenceInvalid, match="order_intents, offset 1"):
        build_report(writer.write(ended_s=40))


def test_a_market_event_that_is_none_is_invalid(tmp_path: Path) -> None:
    writer = small(tmp_path)
    writer.add(5, "market_events", b'{"event_type": "ofi_event"}')
    with pytest.raises(EvidenceInvalid, match="market_events, offset 5: not a market event"):
        build_report(writer.write(ended_s=40))


def test_the_window_is_the_records(tmp_path: Path) -> None:
    data = read_session(small(tmp_path).write(ended_s=40))
    assert data.record.started == START
    assert data.last_ns == VIRTUAL_START_NS + 39 * 10**9
    assert data.topics["market_events"].count == 39
