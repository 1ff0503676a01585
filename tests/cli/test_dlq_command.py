"""`algotrade dlq` as a person meets it: on the log of a session, and on a real cluster."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.bus.behaviour import opened
from tests.cli.cluster import own_topics
from tests.cli.letters import NOBODY_KNOWS, session, two_letters
from tests.contracts.examples import intent, tick
from tests.processes.harness import algotrade
from typer.testing import CliRunner, Result

from algo_trade.bus import Bus, BusInUse, EmbeddedBus, EmbeddedLogReader, KafkaAdapter
from algo_trade.bus.dlq import AlreadyReplayed, InvalidReplay, NoSuchLetter, NotReplayable
from algo_trade.cli.letter_text import plain
from algo_trade.cli.main import app, exit_code_of
from algo_trade.clock import VIRTUAL_START_NS, Clock, SystemClock, SystemIds, run_real, utc
from algo_trade.contracts import OrderIntent
from algo_trade.session.report import EvidenceMissing

PUT_BACK = ("--by", "Ann", "--reason", "symbol mended")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def dlq(*words: str) -> Result:
    return CliRunner().invoke(app, ["dlq", *words])


def test_letters_are_listed_a_line_each(tmp_path: Path) -> None:
    directory = str(session(tmp_path / "s"))
    listed = dlq("list", "--session-dir", directory)
    assert listed.exit_code == 0
    first, second = (re.split(" {2,}", line) for line in listed.stdout.splitlines())
    assert first == [
        "dlq_market_events/0/0",
        "2026-03-02T14:30:00.000000Z",
        "market_raw/0/0",
        "DataPlaneValidator",
        "bid: not a number",
    ]
    assert second[-1] == "quantity: Field required (and 1 more)"
    assert "2 dead letters" in listed.stderr
    assert len(dlq("list", "--session-dir", directory, "--topic", "order_intents").stdout.splitlines()) == 1
    told = json.loads(dlq("list", "--session-dir", directory, "--json").stdout)
    assert [letter["place"] for letter in told] == ["dlq_market_events/0/0", "dlq_order_intents/0/0"]
    assert told[0]["message"] is None and told[1]["message"]["event_type"] == "order_intent"
    assert told[1]["headers"] == [["trace", "0xfe"]]


def test_a_letter_is_shown_whole_and_steers_no_terminal(tmp_path: Path) -> None:
    directory = str(session(tmp_path / "s"))
    shown = dlq("show", "dlq_order_intents/0/0", "--session-dir", directory).stdout
    for line in (
        "from       order_intents/0/0, written 2026-03-02T14:30:00.000000Z",
        "header     trace: 0xfe",
        "reason     quantity: Field required",
        r"reason     session_id: \x1b[2J",
        r'  "symbol": "\u001b[31mSPY"',
    ):
        assert line in shown.splitlines()
    in_hex = dlq("show", "dlq_market_events/0/0", "--session-dir", directory).stdout
    assert "00000000  39 00 6e 61 6e 00 1b 5b 32 4a                    9.nan..[2J" in in_hex.splitlines()
    assert "\x1b" not in shown + in_hex
    assert plain("a\n\x9b\u202e") == r"a\n\x9b\u202e"
    assert (
        json.loads(dlq("show", "dlq_order_intents/0/0", "--session-dir", directory, "--json").stdout)[
            "reasons"
        ][0]
        == "quantity: Field required"
    )


def test_raw_is_the_original_bytes(tmp_path: Path) -> None:
    directory = str(session(tmp_path / "s"))
    raw = dlq("show", "dlq_market_events/0/0", "--session-dir", directory, "--raw")
    assert raw.stdout_bytes == b"9\x00nan\x00\x1b[2J"
    assert dlq("show", "dlq_market_events/0/0", "--session-dir", directory, "--raw", "--json").exit_code == 2


def test_an_intent_is_put_back_at_the_sessions_own_time(tmp_path: Path) -> None:
    """A session in virtual time goes on where its log ends: today's validity would be years away from it."""
    directory = session(tmp_path / "s")
    (tmp_path / "mended.json").write_bytes(intent(3).encode())
    words = ("replay", "dlq_order_intents/0/0", *PUT_BACK, "--session-dir", str(directory))
    done = dlq(*words, "--value", "mended.json", "--valid-for", "60s")
    assert done.exit_code == 0, done.output
    with EmbeddedLogReader(directory / "log") as log:
        _, record = log.replay("order_intents")
    new = OrderIntent.decode(record.value)
    assert done.stdout.splitlines() == [
        "dlq_order_intents/0/0 is put back at order_intents/0/1",
        f"intent {intent(3).intent_id} is now {new.intent_id}, valid for 60 s",
    ]
    assert (record.key, record.headers[0]) == ("756733", ("trace", b"\xfe"))
    assert new.timestamp == utc(VIRTUAL_START_NS)
    assert new.valid_until == utc(VIRTUAL_START_NS) + timedelta(seconds=60)
    again = dlq(*words, "--value", "mended.json")
    assert isinstance(again.exception, AlreadyReplayed) and exit_code_of(again.exception) == 1


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("dlq_order_intents/0/0",), InvalidReplay, 3),
        (("dlq_market_events/0/0",), NotReplayable, 1),
        (("dlq_order_intents/0/7",), NoSuchLetter, 2),
        (("order_intents/0/0",), NoSuchLetter, 2),
    ],
)
def test_what_is_refused_has_a_code(
    tmp_path: Path, words: tuple[str, ...], error: type[Exception], code: int
) -> None:
    directory = session(tmp_path / "s", clock="real")
    refused = dlq("replay", *words, *PUT_BACK, "--session-dir", str(directory))
    assert isinstance(refused.exception, error)
    assert exit_code_of(refused.exception) == code


def test_a_session_that_runs_and_one_that_is_over_are_not_written_to(tmp_path: Path) -> None:
    words = ("replay", "dlq_order_intents/0/0", *PUT_BACK, "--session-dir")
    running = session(tmp_path / "running", clock="real")

    bus = EmbeddedBus(running / "log", clock=SystemClock(), ids=SystemIds())
    asyncio.run(bus.open())
    assert dlq("list", "--session-dir", str(running)).exit_code == 0
    refused = dlq(*words, str(running))
    asyncio.run(bus.close())
    assert isinstance(refused.exception, BusInUse) and exit_code_of(refused.exception) == 4
    over = dlq(*words, str(session(tmp_path / "over", ended=True)))
    assert isinstance(over.exception, NotReplayable) and "evidence" in str(over.exception)


def test_a_log_has_to_be_named_and_be_there(tmp_path: Path) -> None:
    for words in ((), ("--bus", "kafka", "--session-dir", "s"), ("--bus", "embedded")):
        assert dlq("list", *words).exit_code == 2
    nothing = dlq("list", "--session-dir", str(tmp_path))
    assert isinstance(nothing.exception, EvidenceMissing)
    assert (
        dlq("replay", "dlq_order_intents/0/0", "--by", " ", "--reason", "x", "--session-dir", "s").exit_code
        == 2
    )


def test_a_cluster_that_is_away_is_one_line(tmp_path: Path) -> None:
    """Not one for every try to connect."""
    settings = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_PATIENCE_SEC": "0.3"}
    done = algotrade("dlq", "list", "--bus", "kafka", cwd=tmp_path, env=settings)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (4, "", 1), done.stderr


def test_on_kafka_from_the_letter_to_the_mended_message(
    kafka_servers: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Put aside by a plane, found, shown, refused as it is, mended, put back once, and read by a plane."""

    def with_bus(body: Callable[[Bus], Awaitable[None]]) -> None:
        async def main(clock: Clock) -> None:
            async with opened(KafkaAdapter(settings, clock=clock, role="test")) as bus:
                await body(bus)

        run_real(main)

    async def poison(bus: Bus) -> None:
        await two_letters(bus)
        await bus.publish("market_events", tick(1).encode(), key="SPY")

    with own_topics(kafka_servers, monkeypatch, made=True) as settings:
        with_bus(poison)
        listed = dlq("list", "--bus", "kafka")
        assert [line.split()[0] for line in listed.stdout.splitlines()] == [
            "dlq_market_events/0/0",
            "dlq_order_intents/0/0",
        ], listed.output
        kafka = ("dlq_order_intents/0/0", "--bus", "kafka")
        assert dlq("show", *kafka, "--raw").stdout_bytes == NOBODY_KNOWS
        assert isinstance(dlq("replay", *kafka, *PUT_BACK).exception, InvalidReplay)
        (tmp_path / "mended.json").write_bytes(intent(3).encode())
        done = dlq("replay", *kafka, *PUT_BACK, "--value", "mended.json")
        assert done.exit_code == 0, done.output
        again = dlq("replay", *kafka, *PUT_BACK, "--value", "mended.json")
        assert isinstance(again.exception, AlreadyReplayed)
        assert isinstance(dlq("show", "dlq_order_intents/0/9", "--bus", "kafka").exception, NoSuchLetter)

        async def look(bus: Bus) -> None:
            broken, mended = [record async for record in bus.replay("order_intents")]
            assert (broken.value, mended.key) == (NOBODY_KNOWS, "756733")
            assert OrderIntent.decode(mended.value).quantity == intent(3).quantity
            assert dict(mended.headers)["replay.by"] == b"Ann"
            assert mended.partition == broken.partition

        with_bus(look)
