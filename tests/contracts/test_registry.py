"""`contracts export` and `contracts register`: files, and a registry that is asked twice, refuses, or is not there."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.registry_server import Registry, server_of, serving

from algo_trade.bus.schema_registry import SchemaRegistry, subjects
from algo_trade.cli import main as main_module
from algo_trade.contracts import TOPICS, OrderIntent
from algo_trade.contracts.schemas import schema_of
from algo_trade.resources import resource_path
from algo_trade.settings import SettingsError, load_settings

SUBJECTS = [
    "market_events-TickEvent",
    "market_events-BarEvent",
    "ofi_events-OFIEvent",
    "order_intents-OrderIntent",
    "order_intents-OrderAmendment",
    "exec_reports-ExecutionReport",
    "session_events-SessionEvent",
]
INTENTS = "order_intents-OrderIntent"


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def url(registry: Registry) -> Iterator[str]:
    with serving(registry) as address:
        yield address


@pytest.fixture
def algotrade(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """The command as a shell has it: arguments in; exit code, stdout and stderr out."""
    monkeypatch.chdir(tmp_path)  # no .env
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    monkeypatch.delenv("KAFKA_TOPIC_PREFIX", raising=False)

    def run(*words: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["algotrade", *words])
        with pytest.raises(SystemExit) as ending:
            main_module.main()
        said = capsys.readouterr()
        return ending.value.code, said.out, said.err

    return run


def without(name: str) -> dict[str, Any]:
    """The schema of an intent as it was before one of its fields."""
    schema = json.loads(json.dumps(schema_of(OrderIntent)))
    del schema["properties"][name]
    schema["required"] = [other for other in schema["required"] if other != name]
    return dict(schema)


def test_every_message_of_every_topic_has_a_subject() -> None:
    assert [subject for subject, _ in subjects()] == SUBJECTS
    assert [subject for subject, _ in subjects("mine.")] == [f"mine.{subject}" for subject in SUBJECTS]
    assert len(SUBJECTS) == sum(len(topic.messages) for topic in TOPICS.values())


@pytest.mark.parametrize(("subject", "model"), list(subjects()), ids=SUBJECTS)
def test_a_schema_is_titled_as_its_subject_says(subject: str, model: Any) -> None:
    """By the title other clients derive the subject's name, so the two must agree."""
    assert subject.endswith(f"-{schema_of(model)['title']}")


def test_exported_schemas_are_the_committed_ones(algotrade: Any, tmp_path: Path) -> None:
    """One file a message, the same bytes every time, and what else is there stays."""
    directory = tmp_path / "deep" / "schemas"
    committed = {path.name: path.read_bytes() for path in (resource_path("contracts") / "schemas").iterdir()}
    for _ in range(2):
        code, out, _ = algotrade("contracts", "export", str(directory))
        assert code == 0
        assert sorted(out.splitlines()) == sorted(str(directory / name) for name in committed)
        assert {path.name: path.read_bytes() for path in directory.iterdir()} == committed
    (directory / "mine.json").write_text("{}")
    assert algotrade("contracts", "export", str(directory))[0] == 0
    assert (directory / "mine.json").exists()


def test_a_place_that_cannot_be_written_is_named(algotrade: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = algotrade("contracts", "export", str(tmp_path / "file" / "schemas"))
    assert code == 3
    assert str(tmp_path / "file") in err and "Traceback" not in err


def test_registering_twice_changes_nothing(algotrade: Any, registry: Registry, url: str) -> None:
    """First registered, then unchanged, with the same ids, and every subject guarded."""
    code, out, err = algotrade("contracts", "register", "--url", url)
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["registered", subject, "id", str(number)] for number, subject in enumerate(SUBJECTS, 1)
    ]
    state = (list(registry.ids), dict(registry.versions))
    code, out, err = algotrade("contracts", "register", "--url", f"{url}/", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"subject": subject, "outcome": "unchanged", "schema_id": number, "reason": ""}
        for number, subject in enumerate(SUBJECTS, 1)
    ]
    assert (registry.ids, registry.versions) == state
    assert registry.levels == dict.fromkeys(SUBJECTS, "BACKWARD_TRANSITIVE")


def test_what_is_registered_is_the_schema(algotrade: Any, registry: Registry, url: str) -> None:
    algotrade("contracts", "register", "--url", url)
    assert json.loads(registry.ids[registry.versions[INTENTS][0] - 1]) == schema_of(OrderIntent)


def test_the_topics_prefix_is_the_subjects(
    algotrade: Any, registry: Registry, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two installations on one cluster do not share subjects; their equal schemas share an id."""
    assert algotrade("contracts", "register", "--url", url)[0] == 0
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", "mine.")
    monkeypatch.setenv("KAFKA_SCHEMA_REGISTRY_URL", url)
    assert algotrade("contracts", "register")[0] == 0
    assert registry.versions[f"mine.{INTENTS}"] == registry.versions[INTENTS]


def test_a_new_optional_field_is_a_new_version(algotrade: Any, registry: Registry, url: str) -> None:
    """What the rule of contracts/ allows, the guard lets pass."""
    optional = next(
        n for n in schema_of(OrderIntent)["properties"] if n not in schema_of(OrderIntent)["required"]
    )
    assert SchemaRegistry(url, 5).register(INTENTS, without(optional)).outcome == "registered"
    code, out, _ = algotrade("contracts", "register", "--url", url)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["registered"] * len(SUBJECTS)
    assert len(registry.versions[INTENTS]) == 2


def test_an_incompatible_schema_is_refused_with_the_registrys_reason(
    algotrade: Any, registry: Registry, url: str
) -> None:
    """The others are registered all the same, and the exit code says that not all went well."""
    required = schema_of(OrderIntent)["required"][0]
    SchemaRegistry(url, 5).register(INTENTS, without(required))
    code, out, err = algotrade("contracts", "register", "--url", url)
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith("refused")]
    assert INTENTS in line and f"REQUIRED_ATTRIBUTE_ADDED {required}" in line
    assert "1 of 7" in err and "Traceback" not in err
    assert len(registry.versions) == len(SUBJECTS)
    (told,) = [
        one
        for one in json.loads(algotrade("contracts", "register", "--url", url, "--json")[1])
        if one["outcome"] == "refused"
    ]
    assert told["schema_id"] is None and required in told["reason"]


def test_the_guard_is_set_again_where_somebody_took_it_away(
    algotrade: Any, registry: Registry, url: str
) -> None:
    algotrade("contracts", "register", "--url", url)
    registry.levels[INTENTS] = "NONE"
    algotrade("contracts", "register", "--url", url)
    assert registry.levels[INTENTS] == "BACKWARD_TRANSITIVE"


def test_an_older_version_counts_as_well(registry: Registry, url: str) -> None:
    """Transitive: records of the first version are still kept when the third is registered."""
    client = SchemaRegistry(url, 5)
    first = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert client.register("s", first).outcome == "registered"
    registry.levels["s"] = "NONE"
    registry._register("s", json.dumps({"properties": {"b": {"type": "string"}}}))
    assert client.register("s", {"properties": {"b": {"type": "string"}, "c": {}}}).outcome == "refused"


def test_what_is_no_schema_is_refused(url: str) -> None:
    done = SchemaRegistry(url, 5).register("s", {"type": "nonsense"})
    assert (done.outcome, done.reason) == ("refused", "Invalid schema")


def test_nobody_there_is_said_with_the_address(algotrade: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = algotrade("contracts", "register", "--url", address)
    assert (code, out) == (4, "")
    assert address in err and "refused" in err and "Traceback" not in err


class _WebServer(BaseHTTPRequestHandler):
    """Anything but a registry."""

    status, content = 200, b"<html>"

    def do_POST(self) -> None:
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (200, b"<html>", "no JSON"),
        (200, b"[]", "without id"),
        (404, b"<html>", "404"),
        (301, b"", "301"),
        (500, b'{"error_code": 50001, "message": "Error in the backend data store"}', "backend data store"),
        (401, b"", "401"),
    ],
)
def test_what_is_no_registry_is_not_taken_for_one(
    algotrade: Any, monkeypatch: pytest.MonkeyPatch, status: int, content: bytes, said: str
) -> None:
    """And a redirect is not followed: it could lead away from this machine."""
    monkeypatch.setattr(_WebServer, "status", status)
    monkeypatch.setattr(_WebServer, "content", content)
    with server_of(_WebServer) as address:
        code, _, err = algotrade("contracts", "register", "--url", address)
    assert code == 4
    assert address in err and said in err and "Traceback" not in err


def test_a_proxy_of_the_environment_is_not_for_this_machine(
    algotrade: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert algotrade("contracts", "register", "--url", url)[0] == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://registry.example.com:8081", "unencrypted"),
        ("http://10.0.0.1:8081", "unencrypted"),
        ("ftp://127.0.0.1", "expected"),
        ("127.0.0.1:8081", "expected"),
        ("http://127.0.0.1:port", "expected"),
        ("http://[::1", "expected"),
        ("http://127.0.0.1:8081/?a=b", "expected"),
        ("https://ann:hunter2@registry.example.com", "leave it out"),
    ],
)
def test_an_address_that_may_not_be_is_refused_before_anything_is_sent(
    algotrade: Any, address: str, said: str
) -> None:
    code, out, err = algotrade("contracts", "register", "--url", address)
    assert (code, out) == (3, "")
    assert "KAFKA_SCHEMA_REGISTRY_URL" in err and said in err and "hunter2" not in err


@pytest.mark.parametrize(
    "address", ["http://localhost:8081", "http://[::1]:8081/apis/ccompat/v7", "https://registry.example.com"]
)
def test_an_address_that_may_be(address: str) -> None:
    settings = load_settings("dev", env={"KAFKA_SCHEMA_REGISTRY_URL": address}, dotenv=None)
    assert settings.kafka.schema_registry_url == address
    with pytest.raises(SettingsError):
        load_settings("dev", env={"KAFKA_SCHEMA_REGISTRY_URL": f"{address}#x"}, dotenv=None)
