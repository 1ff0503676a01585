"""The deployment's compose file: a real parser reads it, the settings accept it, and it keeps its own rules.

No container is started here: that images exist, start and find one another is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.deploy.compose import (
    COMPOSE,
    PROFILES,
    environment,
    must_finish_before,
    of_profile,
    parse,
    services,
    variables,
)
from tests.house.repository import ROOT
from typer.main import get_command

from algo_trade.cli.main import app
from algo_trade.cli.options import parse_duration_s
from algo_trade.order_plane.flatten import PATIENCE_S
from algo_trade.settings import VARIABLES, Settings, load_settings
from algo_trade.settings.rules import is_loopback
from algo_trade.settings.strategies import variable_of
from algo_trade.settings.variables import DEPLOYMENT
from algo_trade.strategy_plane import installed_strategies

ALL = services()
EACH = pytest.mark.parametrize("name", ALL)
PLANES = {
    "sim": ("sim-data-plane", "sim-order-plane", "sim-strategy-plane"),
    "paper": ("data-plane", "order-plane", "strategy-plane"),
}
EVERY_PLANE = [(profile, name) for profile, names in PLANES.items() for name in names]
GATEWAYS = {"sim": "simulator", "paper": "ib-gateway"}
TOPICS_OF = {"sim": "sim-topics", "paper": "topics"}
ONCE = {*TOPICS_OF.values(), "schemas"}
OURS = {name for name, body in ALL.items() if "build" in body}
TRADING = {"kafka", *TOPICS_OF.values(), *GATEWAYS.values(), *(name for _, name in EVERY_PLANE)}
ACCOUNT = {"IBKR_ACCOUNT_ID": "DU1234567", "RISK_ALLOCATED_CAPITAL": "2500"}

# Settings no plane of the deployment is given: they are about what is not there, or told on the command line.
NOT_GIVEN = {
    name
    for name in VARIABLES
    if name.startswith(("SIMULATOR_", "VAULT_", "KAFKA_SASL_", "KAFKA_SSL_"))
    or name in ("USE_VAULT", "KAFKA_SCHEMA_REGISTRY_URL")
}


def strategies_variables() -> set[str]:
    return {
        variable_of(one.name, parameter)
        for one in installed_strategies()
        if one.plugin is not None
        for parameter in one.plugin.parameters.model_fields
    }


def plane_settings(name: str, given: Mapping[str, str]) -> Settings:
    """What the plane's own loader makes of what it is given."""
    return load_settings("paper", env=environment(ALL[name], given), dotenv=None)


# --- A real parser


@pytest.mark.parametrize("profile", [None, *PROFILES])
def test_a_real_compose_accepts_the_file(profile: str | None) -> None:
    """Every profile, with nothing in the surroundings, without an error or a warning."""
    always = {"pod", "kafka", "topics", "schema-registry", "schemas", "kafka-ui"}
    assert set(parse(profile)["services"]) >= (always if profile is None else set(of_profile(profile)))
    assert set(of_profile("none")) == always


def test_a_real_compose_reads_what_these_tests_read(tmp_path: Path) -> None:
    """The environment of every plane, with an .env file: by Compose and by these tests alike."""
    given = {**ACCOUNT, "OFI_WINDOW": "33", "RISK_MAX_NET_USD": ""}
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    for profile, names in PLANES.items():
        parsed = parse(profile, tmp_path / "env")["services"]
        for name in names:
            theirs = {n: str(v) for n, v in parsed[name]["environment"].items() if v is not None}
            assert theirs == environment(ALL[name], given)


def test_ci_installs_what_these_tests_and_kafkas_need() -> None:
    """Nothing is skipped there for want of a package."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "missing+=(docker-compose)" in script and "missing+=(default-jre-headless maven)" in script


# --- What the planes are told


@pytest.mark.parametrize(("profile", "name"), EVERY_PLANE)
def test_a_plane_is_given_every_setting_and_nothing_else(profile: str, name: str) -> None:
    """No misspelt name, and no limit of .env that would silently not reach the container."""
    assert set(ALL[name]["environment"]) == (set(VARIABLES) - NOT_GIVEN) | strategies_variables()


@pytest.mark.parametrize(("profile", "name"), EVERY_PLANE)
def test_the_settings_accept_what_a_plane_is_given(profile: str, name: str) -> None:
    """As profile paper, without a problem; gateway and Kafka on loopback."""
    settings = plane_settings(name, ACCOUNT if profile == "paper" else {})
    assert settings.session_refusal is None
    assert settings.ibkr.account_id == ("DU1234567" if profile == "paper" else "DSIM001")
    assert is_loopback(settings.ibkr.host) and settings.ibkr.port == 4002 and settings.ibkr.paper_mode
    assert settings.kafka.bootstrap_servers == "127.0.0.1:9092"
    assert str(settings.data_dir).startswith("/data/")


@pytest.mark.parametrize("name", PLANES["paper"])
def test_account_and_capital_are_not_guessed(name: str) -> None:
    with pytest.raises(
        Exception, match=r"(?s)IBKR_ACCOUNT_ID is required.*RISK_ALLOCATED_CAPITAL is required"
    ):
        plane_settings(name, {})


@pytest.mark.parametrize("name", PLANES["sim"])
def test_the_simulators_planes_never_have_the_account_of_env(name: str) -> None:
    assert plane_settings(name, ACCOUNT).ibkr.account_id == "DSIM001"


def test_a_limit_of_env_reaches_the_planes() -> None:
    for _, name in EVERY_PLANE:
        settings = plane_settings(name, {**ACCOUNT, "RISK_MAX_GROSS_USD": "700"})
        assert settings.risk.max_gross_usd == 700


@pytest.mark.parametrize("profile", PLANES)
def test_the_planes_of_a_session_agree(profile: str) -> None:
    """One session: same directory, duration and settings. Only the port of the metrics is each one's own."""
    commands = {name: ALL[name]["command"] for name in PLANES[profile]}
    assert sorted(command[:2] for command in commands.values()) == [
        ["plane", "data"],
        ["plane", "order"],
        ["plane", "strategy"],
    ]
    assert len({tuple(command[2:]) for command in commands.values()}) == 1
    options = next(iter(commands.values()))[2:]
    told = dict(zip(options[::2], options[1::2], strict=True))
    assert told["--profile"] == "paper"
    assert told["--session-dir"] == "/data/sessions/${SESSION_NAME:-current}"
    duration = told["--duration"].removeprefix("${SESSION_DURATION:-").removesuffix("}")
    assert parse_duration_s(duration) == 6.5 * 3600
    assert len({ALL[name]["environment"]["METRICS_PORT"] for name in commands}) == len(commands)
    apart = [{k: v for k, v in ALL[n]["environment"].items() if k != "METRICS_PORT"} for n in commands]
    assert apart[0] == apart[1] == apart[2]
    assert len({tuple(ALL[name]["volumes"]) for name in commands}) == 1


def test_a_simulated_session_and_a_paper_session_keep_apart() -> None:
    """No simulated quote in the topics of a paper account, no order of one in the journal of the other."""
    simulated, paper = (ALL[PLANES[profile][0]] for profile in ("sim", "paper"))
    assert not set(simulated["volumes"]) & set(paper["volumes"])
    for name in ("KAFKA_TOPIC_PREFIX", "KAFKA_CONSUMER_GROUP"):
        assert simulated["environment"][name] is not None and paper["environment"][name] is None
    (prefix, group) = (VARIABLES[n].dotted for n in ("KAFKA_TOPIC_PREFIX", "KAFKA_CONSUMER_GROUP"))
    defaults = plane_settings("data-plane", ACCOUNT)
    for dotted in (prefix, group):
        assert attrgetter(dotted)(plane_settings("sim-data-plane", {})) != attrgetter(dotted)(defaults)


@pytest.mark.parametrize("name", sorted(ONCE))
def test_the_settings_accept_what_the_others_of_ours_are_given(name: str) -> None:
    settings = load_settings("dev", env=environment(ALL[name], {"KAFKA_TOPIC_PREFIX": "mine."}), dotenv=None)
    assert settings.kafka.topic_prefix == ("sim-" if name == "sim-topics" else "mine.")
    assert set(ALL[name]["environment"]) <= set(VARIABLES)


@pytest.mark.parametrize("name", ["simulator", "schemas"])
def test_the_commands_exist(name: str) -> None:
    """Those of the planes and of the topics are held by the tests of these commands."""
    first, second, *words = ALL[name]["command"]
    group: Any = get_command(app)
    group.commands[first].commands[second].make_context(name, words)


# --- Order of things


@pytest.mark.parametrize(("profile", "name"), EVERY_PLANE)
def test_a_plane_starts_after_its_topics_and_its_gateway(profile: str, name: str) -> None:
    before = set(must_finish_before(name, of_profile(profile)))
    topics = ALL[TOPICS_OF[profile]]
    assert ALL[name]["depends_on"][TOPICS_OF[profile]]["condition"] == "service_completed_successfully"
    assert topics["environment"]["KAFKA_TOPIC_PREFIX"] == ALL[name]["environment"]["KAFKA_TOPIC_PREFIX"]
    assert (GATEWAYS[profile], "service_healthy") in before
    assert ("kafka", "service_healthy") in before


def test_topics_are_applied_when_kafka_answers() -> None:
    for name in TOPICS_OF.values():
        assert ALL[name]["command"] == ["topics", "apply"]
        assert ALL[name]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert ALL["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


@pytest.mark.parametrize("profile", PLANES)
def test_the_way_out_is_strategy_orders_data_gateway(profile: str) -> None:
    """Compose stops what depends on another before it: no prices would be gone while positions are closed."""
    data, order, strategy = PLANES[profile]
    found = of_profile(profile)
    assert order in dict(must_finish_before(strategy, found))
    assert data in dict(must_finish_before(order, found))
    assert GATEWAYS[profile] in dict(must_finish_before(data, found))


@pytest.mark.parametrize(("profile", "name"), EVERY_PLANE)
def test_a_plane_has_time_to_end_in_order(profile: str, name: str) -> None:
    """Twice the order plane's own patience, and some; and restarts that come to an end."""
    assert parse_duration_s(ALL[name]["stop_grace_period"]) >= 2 * PATIENCE_S + 30
    assert re.fullmatch(r"on-failure:\d+", ALL[name]["restart"])


# --- Who can reach whom


def test_everything_that_trades_is_in_one_namespace() -> None:
    """So loopback is all they need; and nothing else is in there."""
    inside = {name for name, body in ALL.items() if body.get("network_mode") == "service:pod"}
    assert inside == TRADING
    assert ALL["schemas"]["network_mode"] == "service:schema-registry"
    assert all("networks" in body for name, body in ALL.items() if name not in inside | {"schemas"})


def test_the_gateways_forwarder_finds_its_port_taken() -> None:
    """The image forwards 4004 on every address to the port that takes orders; pod holds it, and listens nowhere."""
    assert ".bind(('0.0.0.0', 4004))" in ALL["pod"]["entrypoint"][-1]
    assert "listen" not in ALL["pod"]["entrypoint"][-1]
    assert not [port for port in published() if re.search(r":(4001|4002|4003|4004|7496|7497)$", port)]


def published() -> list[str]:
    return [port for body in ALL.values() for port in body.get("ports", [])]


@EACH
def test_ports_are_published_on_loopback_only(name: str) -> None:
    """As text of three parts: two would be every address of the machine."""
    for port in ALL[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


def test_no_port_is_published_twice() -> None:
    ports = [port.split(":")[1] for port in published()]
    assert len(set(ports)) == len(ports)


def test_kafkas_listeners_are_where_its_clients_look() -> None:
    """Planes and this machine by loopback, other containers by name, and the controller by nobody else."""
    kafka = ALL["kafka"]["environment"]
    listeners = dict(one.split("://") for one in kafka["KAFKA_LISTENERS"].split(","))
    advertised = dict(one.split("://") for one in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    protocols = dict(one.split(":") for one in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert listeners.keys() == protocols.keys() == advertised.keys() | {"CONTROLLER"}
    assert listeners["CONTROLLER"] == kafka["KAFKA_CONTROLLER_QUORUM_VOTERS"].split("@")[1]
    assert is_loopback(listeners["CONTROLLER"].split(":")[0])
    assert advertised["LOOPBACK"] == ALL["topics"]["environment"]["KAFKA_BOOTSTRAP_SERVERS"]
    assert f"127.0.0.1:{advertised['LOOPBACK'].split(':')[1]}:9092" in ALL["pod"]["ports"]
    bridge = advertised["BRIDGE"]
    assert bridge.split(":")[0] in ALL["pod"]["networks"]["bus"]["aliases"]
    assert ALL["kafka-ui"]["environment"]["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"] == bridge
    registry = ALL["schema-registry"]["environment"]
    assert registry["SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS"] == f"PLAINTEXT://{bridge}"


def test_kafkas_data_is_on_its_volume() -> None:
    """The image's own default is a directory of the container, lost with it."""
    (volume,) = ALL["kafka"]["volumes"]
    assert volume.split(":")[1] == ALL["kafka"]["environment"]["KAFKA_LOG_DIRS"]


def test_the_user_interface_cannot_trade() -> None:
    ui = ALL["kafka-ui"]["environment"]
    assert ui["KAFKA_CLUSTERS_0_READONLY"] == "true" and ui["DYNAMIC_CONFIG_ENABLED"] == "false"


def test_the_gateway_is_a_paper_one_whatever_env_says() -> None:
    assert ALL["ib-gateway"]["environment"]["TRADING_MODE"] == "paper"


# --- Every service


@EACH
def test_images_are_pinned(name: str) -> None:
    """A full version, and nothing whose catalogue has moved behind a subscription."""
    repository, _, tag = ALL[name]["image"].rpartition(":")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+[a-z]?", tag), ALL[name]["image"]
    assert "bitnami" not in repository
    if name in OURS:
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert f'version = "{tag}"' in project


@EACH
def test_every_service_is_bounded(name: str) -> None:
    body = ALL[name]
    assert re.fullmatch(r"\d+[mg]", body["mem_limit"])
    assert 0 < body["cpus"] <= 2
    assert 0 < body.get("pids_limit", 0) <= 1024
    assert set(body["logging"]["options"]) == {"max-size", "max-file"}


@EACH
def test_every_service_that_stays_is_asked_how_it_is(name: str) -> None:
    """Those that end are judged by their ending."""
    check = ALL[name]["healthcheck"]
    if name in ONCE:
        assert check == {"disable": True} and ALL[name]["restart"] == "no"
    else:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "retries"} <= set(check)


@EACH
def test_no_service_gains_rights(name: str) -> None:
    body = ALL[name]
    assert body["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "env_file"} & set(body)
    assert body.get("network_mode") != "host"
    assert not [volume for volume in body.get("volumes", []) if "docker.sock" in volume]
    if name in OURS:
        assert body["cap_drop"] == ["ALL"] and body["read_only"] is True


# --- Secrets and files


def test_what_the_file_asks_for_is_known_and_explained() -> None:
    """A setting or a name of the deployment, each with a line in .env.example."""
    assert variables() <= set(VARIABLES) | strategies_variables() | set(DEPLOYMENT)
    assert set(DEPLOYMENT) <= variables()
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in DEPLOYMENT:
        assert re.search(rf"^# {name}=", example, re.MULTILINE)


def test_no_secret_is_in_the_file_and_only_the_gateway_gets_the_login() -> None:
    for name, body in ALL.items():
        for variable, value in body.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|USERID", variable):
                assert name == "ib-gateway" and value == f"${{{variable}:-}}"


def test_the_files_that_are_mounted_are_there_and_are_yaml() -> None:
    mounted = {v.split(":")[0] for body in ALL.values() for v in body.get("volumes", []) if v.startswith(".")}
    assert mounted == {"./prometheus", "./alertmanager", "./grafana/provisioning"}
    for folder in mounted:
        files = list((COMPOSE.parent / folder).rglob("*.yml"))
        assert files
        for file in files:
            assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


def test_the_monitoring_looks_where_its_services_are() -> None:
    prometheus = yaml.safe_load((COMPOSE.parent / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = [t for job in prometheus["scrape_configs"] for s in job["static_configs"] for t in s["targets"]]
    targets += prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    hosts = {target.split(":")[0] for target in targets}
    assert hosts <= {"127.0.0.1", *ALL}
    alerts = yaml.safe_load((COMPOSE.parent / "alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
    assert alerts["route"]["receiver"] in [receiver["name"] for receiver in alerts["receivers"]]
    (source,) = yaml.safe_load(
        (COMPOSE.parent / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
    )["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_the_readme_names_every_published_port() -> None:
    text = (COMPOSE.parent / "README.md").read_text(encoding="utf-8")
    for port in published():
        assert port.split(":")[1] in text
