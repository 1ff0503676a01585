"""`algotrade topics` against a real broker: an empty cluster, a drift, what is left alone, and nobody there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ has no __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from tests.cli.cluster import own_topics
from typer.testing import CliRunner, Result

from algo_trade.bus import BusUnreachable
from algo_trade.bus.kafka_topics import KafkaTopics, declared_configs, replicas_of
from algo_trade.cli.main import app, exit_code_of
from algo_trade.clock import SystemClock
from algo_trade.contracts import TOPICS
from algo_trade.exit_codes import ExitCode
from algo_trade.settings import KafkaSettings

DAY_MS = 86_400_000


@pytest.fixture
def prefix(kafka_servers: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Topics of this test alone, removed at its end."""
    with own_topics(kafka_servers, monkeypatch, made=False) as settings:
        yield settings.topic_prefix


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["topics", *words, "--profile", "dev"])


def alter(servers: str, topic: str, setting: str, value: str) -> None:
    change = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()
    seen = None
    while seen != value:  # a broker hears of it a little later
        [future] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        seen = future.result()[setting].value


def test_an_empty_cluster_is_told_then_made_then_found_as_declared(prefix: str) -> None:
    missing = command("check")
    assert missing.exit_code == 1
    assert len(missing.stdout.splitlines()) == len(TOPICS)
    assert (
        f"{prefix}order_intents: topic is missing, declared is there: algotrade topics apply"
        in missing.stdout
    )
    made = command("apply")
    assert made.exit_code == 0, made.output
    assert f"{prefix}market_events: created, 8 partitions, 1 replicas" in made.stdout
    found = command("check")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "all 9 topics are as declared" in found.stderr and "1 broker: 1 replica" in found.stderr
    assert command("apply").stdout == ""


def test_a_setting_that_was_changed_is_told_and_mended(kafka_servers: str, prefix: str) -> None:
    command("apply")
    alter(kafka_servers, f"{prefix}order_intents", "retention.ms", "1000")
    alter(kafka_servers, f"{prefix}order_intents", "retention.bytes", "5000")
    alter(kafka_servers, f"{prefix}market_events", "cleanup.policy", "delete")
    alter(kafka_servers, f"{prefix}ofi_events", "flush.ms", "77777")  # nobody declared it: nobody's business
    drifted = command("check", "--json")
    assert drifted.exit_code == 1
    told = {(d["topic"], d["setting"]): d["found"] for d in json.loads(drifted.stdout)["drifts"]}
    assert told == {
        (f"{prefix}order_intents", "retention.ms"): "1000",
        (f"{prefix}order_intents", "retention.bytes"): "5000",
        (f"{prefix}market_events", "cleanup.policy"): "delete",
    }
    mended = command("apply")
    assert mended.exit_code == 0
    assert f"{prefix}order_intents: retention.ms set to 604800000, was 1000\n" in mended.stdout
    assert command("check").exit_code == 0


def test_other_partitions_are_told_and_left(kafka_servers: str, prefix: str) -> None:
    """Adding some would put a key's later records beside its earlier ones."""
    admin = AdminClient({"bootstrap.servers": kafka_servers})
    admin.create_topics([NewTopic(f"{prefix}exec_reports", 2, 1)])[f"{prefix}exec_reports"].result()
    applied = command("apply")
    assert applied.exit_code == 1
    assert f"{prefix}exec_reports: partitions is 2, declared is 4: left as it is" in applied.stdout
    assert f"{prefix}exec_reports: retention.bytes" not in applied.stdout
    partitions = admin.list_topics(timeout=10).topics[f"{prefix}exec_reports"].partitions
    assert len(partitions) == 2
    left = json.loads(command("check", "--json").stdout)["drifts"]
    assert [(drift["setting"], drift["repairable"]) for drift in left] == [("partitions", False)]


def test_what_another_process_made_meanwhile_is_as_good(kafka_servers: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=prefix)
    slow, fast = (KafkaTopics(settings, clock=SystemClock()) for _ in range(2))
    check, answers = slow.check, [slow.check()]
    slow.check = lambda: answers.pop() if answers else check()  # type: ignore[method-assign]
    assert len(fast.apply().done) == len(TOPICS)
    applied = slow.apply()
    assert all("was created by another process meanwhile" in line for line in applied.done)
    assert not applied.state.drifts


def test_nobody_there_is_told_with_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("KAFKA_PATIENCE_SEC", "0.3")
    for word in ("check", "apply"):
        failed = command(word)
        assert isinstance(failed.exception, BusUnreachable)
        assert "127.0.0.1:1 within 0.3 s" in str(failed.exception)
        assert exit_code_of(failed.exception) is ExitCode.UNREACHABLE


def test_every_promise_of_the_file_is_a_setting_on_kafka() -> None:
    """Retention as time and never as bytes; segments small enough for it; no compaction within it."""
    for name, topic in TOPICS.items():
        configs = declared_configs(topic, brokers=1)
        assert configs["retention.ms"] == str(topic.retention_ms) and configs["retention.bytes"] == "-1"
        assert int(configs["segment.ms"]) * 6 <= topic.retention_ms
        assert int(configs["max.message.bytes"]) > 1024 * 1024
        assert configs["cleanup.policy"] == ("compact,delete" if name == "market_events" else "delete")
        if name.startswith("dlq_"):
            assert topic.retention_ms == 7 * DAY_MS
    assert declared_configs(TOPICS["market_events"], 1)["min.compaction.lag.ms"] == str(DAY_MS)


@pytest.mark.parametrize(
    ("brokers", "replicas", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (7, 3, "2")]
)
def test_replicas_follow_from_the_brokers(brokers: int, replicas: int, in_sync: str) -> None:
    assert replicas_of(brokers) == replicas
    assert declared_configs(TOPICS["order_intents"], brokers)["min.insync.replicas"] == in_sync
