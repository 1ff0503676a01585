"""`algotrade doctor` and `algotrade health`: with everything there, with nothing, with the stop on the account."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bus.behaviour import opened
from tests.cli.cluster import own_topics
from tests.cli.letters import session
from tests.contracts.examples import tick
from tests.processes.harness import simulator
from typer.testing import CliRunner, Result

from algo_trade.bus import Bus, Earliest, EmbeddedBus, KafkaAdapter
from algo_trade.cli.main import app
from algo_trade.clock import Clock, SystemClock, SystemIds, run_real, run_virtual
from algo_trade.contracts import TOPICS
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.journal_look import look_at_journal
from algo_trade.session.doctor import Patient, State, examine, exit_code_of_findings
from algo_trade.session.doctor.findings import Finding, ok
from algo_trade.session.doctor.machine import clock_finding, free_space
from algo_trade.session.doctor.rounds import Check
from algo_trade.session.doctor.services import greet_gateway
from algo_trade.settings import IbkrSettings

GIB = 1024**3
JOURNAL = "DSIM001.journal.db"


@pytest.fixture(autouse=True)
def _paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a paper account, and nobody who listens."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "IBKR_ACCOUNT_ID": "DSIM001",
        "IBKR_PORT": "1",
        "RISK_ALLOCATED_CAPITAL": "10000",
        "ALGOTRADE_DATA_DIR": str(tmp_path / "data"),
        "KAFKA_PATIENCE_SEC": "0.3",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def doctor(*words: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code, and the findings by check."""
    done = CliRunner().invoke(app, ["doctor", "--profile", "paper", "--json", *words])
    told = json.loads(done.stdout)
    assert told["exit_code"] == done.exit_code
    by_check: dict[str, list[dict[str, str]]] = {}
    for finding in told["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    return done.exit_code, by_check


def states(findings: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {check: found[0]["state"] for check, found in findings.items()}


def health(*words: str) -> Result:
    return CliRunner().invoke(app, ["health", "--json", *words])


def test_with_a_gateway_everything_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And with another account behind it, it is the paper lock that says so."""
    with simulator(tmp_path) as sim:
        monkeypatch.setenv("IBKR_PORT", str(sim.port))
        code, findings = doctor()
        assert code == 0, findings
        assert (
            "server version 178, 1 paper account, the configured one; a simulator"
            in findings["gateway"][0]["text"]
        )
        assert {
            state for check, state in states(findings).items() if check not in ("clock", "data directory")
        } == {"ok"}
        # A simulator's clock is this machine's and proves nothing of it.
        assert "gateway's" not in findings["clock"][0]["text"]
        assert not (tmp_path / "data").exists()
        monkeypatch.setenv("IBKR_ACCOUNT_ID", "DU1234567")
        code, findings = doctor()
        assert code == ExitCode.LOCK_REFUSED
        assert "DU***567 is configured" in findings["gateway"][0]["text"]
        assert sim.frames() == []


@pytest.mark.parametrize("account", ["DU1234567", "DSIM001"])
def test_a_gateway_with_a_clock_of_its_own_is_asked_the_time(account: str) -> None:
    """Seven seconds ahead, told in whole seconds; a simulator's clock is not asked."""

    class Ahead:
        def __init__(self, clock: Clock) -> None:
            self.monotonic_ns, self._now_ns = clock.monotonic_ns, clock.now_ns

        def now_ns(self) -> int:
            return self._now_ns() + 7_250_000_000

    async def scenario(clock: Clock) -> float | None:
        simulator = GatewaySimulator(SimulatorConfig(seed=7, account_id=account), clock=Ahead(clock))
        host, port = await simulator.start()
        _, ahead_s = await greet_gateway(IbkrSettings(account_id=account, host=host, port=port), clock)
        await simulator.stop()
        return ahead_s

    ahead_s = run_virtual(scenario)
    assert ahead_s is None if account == "DSIM001" else ahead_s is not None and 6.0 <= ahead_s <= 7.3


def test_with_nobody_there_each_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    code, findings = doctor("--bus", "kafka")
    assert code == ExitCode.UNREACHABLE
    assert {check for check, state in states(findings).items() if state == "fail"} == {
        "gateway",
        "kafka",
        "topics",
    }
    assert "start IB Gateway or TWS" in findings["gateway"][0]["text"]
    assert "127.0.0.1:1" in findings["kafka"][0]["text"]
    assert states(findings)["browser"] == "ok"


def test_settings_that_do_not_load_are_told_and_the_rest_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RISK_ALLOCATED_CAPITAL", "-1")
    monkeypatch.setenv("IBKR_PORT", "x")
    code, findings = doctor()
    assert code == ExitCode.CONFIG
    assert len(findings["configuration"]) == 2
    assert findings["gateway"][0]["text"].startswith("not looked at")
    assert states(findings)["time zones"] == "ok"


def test_a_latched_journal_is_a_failure_also_while_a_session_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / JOURNAL
    journal = Journal(path, "DSIM001")
    journal.latch(SystemClock().now_ns(), "s-1", "the session lost $100.00")
    code, findings = doctor()
    latch, in_use = findings["journal"]
    assert (latch["state"], in_use["state"]) == ("fail", "warn")
    assert "lost $100.00" in latch["text"] and "reset-kill" in latch["remedy"] and "in use" in in_use["text"]
    assert code == ExitCode.RISK
    journal.reset_latch(SystemClock().now_ns(), "Ann", "seen")
    journal.close()
    _, findings = doctor()
    assert findings["journal"][0]["state"] == "ok"
    look = look_at_journal(path, "DSIM001")
    assert look is not None and (look.latched, look.unresolved) == (None, 0)


@pytest.mark.parametrize(("content", "account"), [(b"no database", "DSIM001"), (None, "DU7654321")])
def test_a_journal_no_session_could_use_is_told(tmp_path: Path, content: bytes | None, account: str) -> None:
    path = tmp_path / "data" / JOURNAL
    Journal(path, account).close()
    if content is not None:
        path.write_bytes(content)
    _, findings = doctor()
    assert findings["journal"][0]["state"] == "fail"
    assert str(path) in findings["journal"][0]["text"]
    assert health("--profile", "paper", "--session-dir", str(tmp_path)).exit_code != 0


def test_a_cluster_without_its_topics_fails_and_with_them_is_well(
    kafka_servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor and health agree; health tells groups and ages."""
    monkeypatch.setenv("KAFKA_PATIENCE_SEC", "30")

    async def some_traffic(clock: Clock) -> None:
        async with opened(KafkaAdapter(settings, clock=clock, role="test")) as bus:
            await traffic(bus)

    with own_topics(kafka_servers, monkeypatch, made=False) as settings:
        code, findings = doctor("--bus", "kafka")
        assert states(findings)["kafka"] == "ok"
        assert len(findings["topics"]) == len(TOPICS) and findings["topics"][0]["state"] == "fail"
        missing = health("--profile", "paper", "--bus", "kafka")
        assert missing.exit_code == ExitCode.UNREACHABLE and "algotrade topics apply" in missing.stdout
        assert CliRunner().invoke(app, ["topics", "apply", "--profile", "paper"]).exit_code == 0
        run_real(some_traffic)
        code, findings = doctor("--bus", "kafka")
        assert (code, states(findings)["topics"]) == (
            ExitCode.UNREACHABLE,
            "ok",
        )  # the gateway is still not there
        state = health("--profile", "paper", "--bus", "kafka")
        assert state.exit_code == 0, state.output
        check_health(json.loads(state.stdout))


async def traffic(bus: Bus) -> None:
    """Three ticks of which a group has done one."""
    reader = await bus.subscribe(["market_events"], group="g", start=Earliest())
    for number in range(3):
        await bus.publish("market_events", tick(number), key="SPY")
    await reader.commit((await reader.fetch(1))[0])
    await reader.close()


def check_health(told: dict[str, object]) -> None:
    assert told["healthy"] is True
    bus = told["bus"]
    assert isinstance(bus, dict)
    assert bus["topics"]["order_intents"] == {"last_record": None, "age_s": None}
    assert 0 <= bus["topics"]["market_events"]["age_s"] < 60
    [group] = [group for group in bus["groups"] if group["lag"]]
    assert (group["group"], group["topic"], group["lag"]) == ("g", "market_events", 2)


def test_health_of_a_session_and_of_its_account(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(tmp_path / "log", clock=clock, ids=SystemIds())) as bus:
            await traffic(bus)

    run_real(scenario)
    words = ("--profile", "dev", "--session-dir", str(tmp_path))
    state = health(*words)
    assert state.exit_code == 0
    told = json.loads(state.stdout)
    check_health(told)
    assert told["kill_switch"]["latched"] is False
    journal = Journal(tmp_path / JOURNAL, "DSIM001")
    journal.latch(SystemClock().now_ns(), "s-1", "the session lost $100.00")
    latched = health(*words)
    assert latched.exit_code == ExitCode.RISK
    assert json.loads(latched.stdout)["kill_switch"]["text"] == "the session lost $100.00"
    journal.close()
    plain = CliRunner().invoke(app, ["health", *words])
    assert "kill switch  latched: the session lost" in plain.stdout and "g: 2 behind" in plain.stdout
    (tmp_path / "log" / "bus-market.db").write_bytes(b"no database at all")
    assert health(*words).exit_code == ExitCode.UNREACHABLE


def test_a_session_in_virtual_time_has_times_and_no_ages(tmp_path: Path) -> None:
    """Its records are of another March."""
    directory = session(tmp_path / "s")
    state = health("--session-dir", str(directory))
    assert json.loads(state.stdout)["bus"]["topics"]["market_raw"] == {
        "last_record": "2026-03-02T14:30:00.000000Z",
        "age_s": None,
    }
    plain = CliRunner().invoke(app, ["health", "--session-dir", str(directory)])
    assert "market_raw: last at 2026-03-02T14:30:00" in plain.stdout


def test_a_journal_in_a_volume_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    Journal(tmp_path / JOURNAL, "DSIM001").close()
    tmp_path.chmod(0o500)
    try:
        look = look_at_journal(tmp_path / JOURNAL, "DSIM001")
    finally:
        tmp_path.chmod(0o700)
    assert look is not None and look.latched is None


def test_health_without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    state = health("--profile", "paper", "--bus", "kafka")
    assert state.exit_code == ExitCode.UNREACHABLE
    assert "127.0.0.1:1" in json.loads(state.stdout)["bus"]["trouble"]
    assert health().exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("ahead_s", "kept", "state", "text"),
    [
        (-0.5, False, State.OK, "at most 1.0 s"),
        (-3.5, True, State.WARN, "2.5 s from"),
        (2.1, None, State.WARN, "2.1 s from"),
        (60.0, True, State.FAIL, "60.0 s from"),
        (None, True, State.OK, "a time service keeps it"),
        (None, False, State.WARN, "no time service"),
        (None, None, State.WARN, "not known"),
    ],
)
def test_the_clock_is_right_only_where_somebody_says_so(
    ahead_s: float | None, kept: bool | None, state: State, text: str
) -> None:
    found = clock_finding(ahead_s, kept)
    assert found.state is state and text in found.text


@pytest.mark.parametrize(
    ("free_bytes", "state"),
    [(GIB - 1, State.FAIL), (GIB, State.WARN), (5 * GIB - 1, State.WARN), (5 * GIB, State.OK)],
)
def test_room_on_the_disk(free_bytes: int, state: State) -> None:
    assert free_space(Path("data"), free_bytes).state is state


def test_a_check_that_breaks_hides_nothing() -> None:
    def broken(_: Patient) -> list[Finding]:
        raise ZeroDivisionError("by zero")

    patient = Patient(SystemClock(), None, None, "embedded")
    found = list(examine(patient, (Check("a", broken), Check("b", lambda _: [ok("fine")]))))
    assert [finding.state for finding in found] == [State.FAIL, State.OK]
    assert "ZeroDivisionError" in found[0].text
    assert exit_code_of_findings(found) is ExitCode.INTERNAL
    assert exit_code_of_findings([replace(found[1])]) is ExitCode.OK
