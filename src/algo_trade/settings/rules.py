"""What settings must satisfy together. Each rule looks at the whole and yields the problems it sees.

The paper lock's first half lives here (the second is the gateway's own list of accounts, after connecting):
nothing but profile prod may even name a live port, a live account or live mode.
"""

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from algo_trade.settings.errors import Problem
from algo_trade.settings.model import Settings

LIVE_PORTS = {4001: "IB Gateway live", 7496: "TWS live"}


def is_loopback(host: str) -> bool:
    """True for this machine only: localhost, 127.0.0.0/8 and ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _profile_agrees(settings: Settings) -> Iterator[Problem]:
    if settings.environment != settings.profile:
        yield Problem(
            f"ENVIRONMENT={settings.environment} ({settings.origin('environment')}) contradicts profile "
            f"{settings.profile}; unset it or choose --profile {settings.environment}",
            ("ENVIRONMENT",),
        )


def _paper_lock(settings: Settings) -> Iterator[Problem]:
    if settings.profile == "prod":
        return
    ibkr = settings.ibkr
    if ibkr.port in LIVE_PORTS:
        yield Problem(
            f"IBKR_PORT={ibkr.port} ({settings.origin('ibkr.port')}): paper lock: this is the port of "
            f"{LIVE_PORTS[ibkr.port]}; paper is 4002 (IB Gateway) or 7497 (TWS)",
            ("IBKR_PORT",),
            lock=True,
        )
    if not ibkr.account_id.startswith("D"):
        yield Problem(
            f"IBKR_ACCOUNT_ID ({settings.origin('ibkr.account_id')}): paper lock: {ibkr.account_id} is no paper "
            "account; those start with D, such as DU1234567",
            ("IBKR_ACCOUNT_ID",),
            lock=True,
        )
    if not ibkr.paper_mode:
        yield Problem(
            f"IBKR_PAPER_MODE=false ({settings.origin('ibkr.paper_mode')}): paper lock: profile "
            f"{settings.profile} trades paper only; set it to true",
            ("IBKR_PAPER_MODE",),
            lock=True,
        )


def _gateway_is_local(settings: Settings) -> Iterator[Problem]:
    if not is_loopback(settings.ibkr.host):
        yield Problem(
            f"IBKR_HOST={settings.ibkr.host} ({settings.origin('ibkr.host')}): the TWS protocol has neither "
            "password nor encryption, so only this machine is accepted: use 127.0.0.1, or a tunnel that ends there",
            ("IBKR_HOST",),
        )


def _one_id_a_connection(settings: Settings) -> Iterator[Problem]:
    if settings.ibkr.client_id == settings.ibkr.data_client_id:
        yield Problem(
            f"IBKR_DATA_CLIENT_ID={settings.ibkr.data_client_id} is IBKR_CLIENT_ID too: a gateway lets an id in once, "
            "so give the data plane another",
            ("IBKR_DATA_CLIENT_ID", "IBKR_CLIENT_ID"),
        )


def _enough_lines(settings: Settings) -> Iterator[Problem]:
    symbols = len(settings.market_data.symbols)
    if symbols > settings.ibkr.market_data_subscriptions:
        yield Problem(
            f"MARKET_DATA_SYMBOLS: {symbols} symbols need {symbols} lines, IBKR_MARKET_DATA_SUBSCRIPTIONS is "
            f"{settings.ibkr.market_data_subscriptions}; watch fewer or raise it to what the account has",
            ("MARKET_DATA_SYMBOLS", "IBKR_MARKET_DATA_SUBSCRIPTIONS"),
        )
    if settings.profile == "dev" and symbols > settings.simulator.lines:
        yield Problem(
            f"MARKET_DATA_SYMBOLS: {symbols} symbols need {symbols} lines, SIMULATOR_LINES is "
            f"{settings.simulator.lines}",
            ("MARKET_DATA_SYMBOLS", "SIMULATOR_LINES"),
        )


def _kafka_is_protected(settings: Settings) -> Iterator[Problem]:
    kafka = settings.kafka
    away = [s for s in kafka.bootstrap_servers.split(",") if not is_loopback(s.strip().rpartition(":")[0])]
    if kafka.security_protocol in ("PLAINTEXT", "SASL_PLAINTEXT") and away:
        yield Problem(
            f"KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} with {away[0].strip()}: unencrypted is for this "
            "machine only; use SSL or SASL_SSL (servers are host:port, separated by commas)",
            ("KAFKA_SECURITY_PROTOCOL", "KAFKA_BOOTSTRAP_SERVERS"),
        )
    if kafka.security_protocol.startswith("SASL_"):
        for name in ("sasl_mechanism", "sasl_username", "sasl_password"):
            if getattr(kafka, name) is None:
                variable = f"KAFKA_{name.upper()}"
                yield Problem(
                    f"{variable} is required with KAFKA_SECURITY_PROTOCOL={kafka.security_protocol}",
                    (variable,),
                )


def _registry_is_protected(settings: Settings) -> Iterator[Problem]:
    address = settings.kafka.schema_registry_url
    name = "KAFKA_SCHEMA_REGISTRY_URL"
    try:
        url = urlsplit(address)
        host, named = url.hostname, url.username is not None
        url.port  # noqa: B018  # raises where it is no number
    except ValueError:
        url, host, named = urlsplit(""), None, False
    if named:
        # The address itself is not told: there may be a password in it.
        yield Problem(
            f"{name} ({settings.origin('kafka.schema_registry_url')}): a name or password in an address is "
            "shown wherever the address is; leave it out",
            (name,),
        )
    elif not host or url.scheme not in ("http", "https") or url.query or url.fragment:
        yield Problem(f"{name}={address}: an address like http://127.0.0.1:8081 is expected", (name,))
    elif url.scheme == "http" and not is_loopback(host):
        yield Problem(f"{name}={address}: unencrypted is for this machine only; use https://", (name,))


def _vault_is_whole(settings: Settings) -> Iterator[Problem]:
    vault = settings.vault
    if not vault.use:
        return
    if vault.addr is None:
        yield Problem(
            "VAULT_ADDR is required with USE_VAULT=true, such as https://vault.example.com", ("VAULT_ADDR",)
        )
    else:
        url = urlsplit(vault.addr)
        if not url.hostname or (
            url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname))
        ):
            yield Problem(f"VAULT_ADDR={vault.addr}: an https:// address is expected", ("VAULT_ADDR",))
    if vault.token is None:
        yield Problem("VAULT_TOKEN is required with USE_VAULT=true", ("VAULT_TOKEN",))


RULES: tuple[Callable[[Settings], Iterator[Problem]], ...] = (
    _profile_agrees,
    _paper_lock,
    _gateway_is_local,
    _one_id_a_connection,
    _enough_lines,
    _kafka_is_protected,
    _registry_is_protected,
    _vault_is_whole,
)


def check(settings: Settings) -> list[Problem]:
    """Everything the rules object to, in the order above."""
    return [problem for rule in RULES for problem in rule(settings)]
