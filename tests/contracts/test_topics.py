"""topics.yaml: complete, free of contradictions, and refused with every reason where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from algo_trade.contracts import MESSAGES, TOPICS, TopicsError, load_topics
from algo_trade.resources import resource_path

HOUR_MS = 3_600_000


def test_the_plans_topics_are_there_with_their_retention() -> None:
    assert {name: topic.retention_ms // HOUR_MS for name, topic in TOPICS.items()} == {
        "market_raw": 8,
        "market_events": 24,
        "ofi_events": 24,
        "order_intents": 168,
        "exec_reports": 168,
        "session_events": 168,
        "dlq_market_events": 168,
        "dlq_order_intents": 168,
        "dlq_execution_reports": 168,
    }


def test_market_data_and_orders_lie_in_different_files() -> None:
    market = {name for name, topic in TOPICS.items() if topic.storage_class == "market"}
    assert market == {"market_raw", "market_events", "ofi_events"}


def test_every_message_has_a_topic_and_every_reader_a_place_for_what_it_cannot_read() -> None:
    assert {name for topic in TOPICS.values() for name in topic.messages} == set(MESSAGES)
    for topic in TOPICS.values():
        if topic.dead_letters is not None:
            assert topic.dead_letters.startswith("dlq_")
            assert TOPICS[topic.dead_letters].messages == ()
    assert TOPICS["order_intents"].dead_letters == "dlq_order_intents"
    assert TOPICS["exec_reports"].dead_letters == "dlq_execution_reports"


def test_compaction_never_eats_what_retention_promises() -> None:
    topic = TOPICS["market_events"]
    assert topic.cleanup_policy == "compact,delete"
    assert topic.configs["min.compaction.lag.ms"] == topic.retention_ms


def test_models_are_found_by_name() -> None:
    assert [model.__name__ for model in TOPICS["market_events"].models] == ["TickEvent", "BarEvent"]


def _topics_with(tmp_path: Path, **changes: object) -> Path:
    declared = yaml.safe_load(resource_path("contracts/topics.yaml").read_text(encoding="utf-8"))
    declared["market_events"].update(changes)
    path = tmp_path / "topics.yaml"
    path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"partitions": 0}, "market_events.partitions"),
        ({"retention_ms": -1}, "market_events.retention_ms"),
        ({"storage_class": "attic"}, "market_events.storage_class"),
        ({"colour": "red"}, "market_events.colour"),
        ({"messages": ["Rumour"]}, "no message is called Rumour"),
        ({"dead_letters": "nowhere"}, "no topic is called nowhere"),
        ({"configs": {"segment.ms": 86_400_000, "min.compaction.lag.ms": 86_400_000}}, "a sixth"),
        ({"configs": {"segment.ms": 1000, "min.compaction.lag.ms": 1000}}, "compaction would eat"),
    ],
    ids=str,
)
def test_a_contradiction_is_refused_by_name(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(TopicsError, match=reason):
        load_topics(_topics_with(tmp_path, **changes))


def test_all_contradictions_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(TopicsError) as caught:
        load_topics(_topics_with(tmp_path, messages=["Rumour"], dead_letters="nowhere"))
    assert "Rumour" in str(caught.value)
    assert "nowhere" in str(caught.value)


@pytest.mark.parametrize("text", ["- a list", "topic: text", "{", "\x00", "a: {b: "], ids=repr)
def test_a_file_that_is_no_list_of_topics_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TopicsError, match=r"topics\.yaml"):
        load_topics(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(TopicsError):
        load_topics(path)


def test_a_missing_resource_names_both_places() -> None:
    with pytest.raises(FileNotFoundError, match="contracts/no-such-file"):
        resource_path("contracts/no-such-file")


def test_an_installed_package_reads_its_own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "_resources" / "contracts" / "topics.yaml"
    packed.parent.mkdir(parents=True)
    packed.write_text("{}", encoding="utf-8")
    monkeypatch.setattr("algo_trade.resources.files", lambda _: tmp_path)
    assert resource_path("contracts/topics.yaml") == packed
    assert resource_path("contracts") == packed.parent
    assert resource_path("contracts/schemas").is_dir()  # not packed here: the checkout's
