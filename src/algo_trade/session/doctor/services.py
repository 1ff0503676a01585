"""What a session talks to: the gateway, the broker with its topics, and the account's journal."""

from __future__ import annotations

import asyncio

from algo_trade.bus import BusError
from algo_trade.bus.kafka_topics import KafkaTopics
from algo_trade.clock import Clock, new_york, rng, run_real, utc
from algo_trade.exit_codes import ExitCode
from algo_trade.ibkr import IBKRHandler, Stop
from algo_trade.order_plane.journal import JournalStop
from algo_trade.order_plane.journal_look import journal_in_use, look_at_journal
from algo_trade.session.doctor.findings import Finding, Patient, fail, ok, warn
from algo_trade.settings import IbkrSettings, Settings

# Not the session's: a doctor who took its id would be in a session's way, and would find it taken by one.
_CLIENT_ID = 999_999_907
_SIMULATED = "DSIM"
_TIME_PATIENCE_S = 3.0
_TIME_LOOKS_S = 0.05


def gateway(patient: Patient, settings: Settings) -> list[Finding]:
    """Connect, read the greeting through the paper lock, ask the time, leave. No order can be sent from here."""
    if settings.profile == "dev":
        return [ok("profile dev starts its own simulator")]
    ibkr = settings.ibkr.model_copy(
        update={"client_id": _CLIENT_ID, "reconnect_attempts": 0, "read_only": True}
    )
    try:
        text, ahead_s = run_real(lambda clock: greet_gateway(ibkr, clock))
    except Stop as error:
        return [fail(str(error), "", error.exit_code)]
    patient.gateway_ahead_s = ahead_s
    return [ok(text)]


async def greet_gateway(settings: IbkrSettings, clock: Clock) -> tuple[str, float | None]:
    """What it said, and how far its clock is ahead of ours; None for a simulated one, whose clock is ours."""
    handler = IBKRHandler(settings, clock, rng(0, "doctor"))
    try:
        await handler.start()
        accounts, connection = handler.accounts, handler.connection
        text = (
            f"{connection.address}, server version {connection.server_version}, "
            f"{len(accounts)} paper account{'' if len(accounts) == 1 else 's'}, the configured one"
        )
        if any(account.startswith(_SIMULATED) for account in accounts):
            return f"{text}; a simulator", None
        return text, await _ahead_s(handler, clock)
    finally:
        await handler.close()


async def _ahead_s(handler: IBKRHandler, clock: Clock) -> float | None:
    handler.connection.send(handler.connection.encoder.current_time())
    try:
        async with asyncio.timeout(_TIME_PATIENCE_S):
            while handler.gateway_epoch_s is None:
                await asyncio.sleep(_TIME_LOOKS_S)
    except TimeoutError:
        return None
    return handler.gateway_epoch_s - clock.now_ns() / 1e9


def kafka(patient: Patient, settings: Settings) -> list[Finding]:
    """Whether a broker answers, and which cluster it belongs to. Its version is nothing it tells a client."""
    if patient.bus != "kafka":
        return []
    topics = KafkaTopics(settings.kafka, clock=patient.clock)
    try:
        cluster = topics.metadata()
    except BusError as error:
        return [fail(str(error), "", ExitCode.UNREACHABLE)]
    brokers = len(cluster.brokers)
    text = f"{topics.address}, cluster {cluster.cluster_id}, {brokers} broker{'' if brokers == 1 else 's'}"
    if brokers > 1:
        return [ok(text)]
    return [ok(f"{text}: every record has one copy")]


def topics(patient: Patient, settings: Settings) -> list[Finding]:
    """As `algotrade topics check`."""
    if patient.bus != "kafka":
        return []
    try:
        state = KafkaTopics(settings.kafka, clock=patient.clock).check()
    except BusError as error:
        return [fail(f"not looked at: {error}", "", ExitCode.UNREACHABLE)]
    if not state.drifts:
        return [ok(f"all {len(state.topics)} are as declared")]
    return [fail(str(drift), "", ExitCode.GATE_FAILED) for drift in state.drifts]


def journal(_: Patient, settings: Settings) -> list[Finding]:
    """The account's memory: readable, held by whom, and whether the stop holds the account."""
    account = settings.ibkr.account_id
    if settings.profile == "dev":
        return [ok("profile dev has one in each session's directory")]
    path = settings.data_dir / f"{account}.journal.db"
    try:
        look = look_at_journal(path, account)
    except JournalStop as error:
        return [fail(str(error), "keep the file, and ask before trading on", ExitCode.CONFIG)]
    if look is None:
        return [ok(f"none at {path}: the account's first session makes it")]
    found = []
    if look.latched is not None:
        when = (
            f"{new_york(look.latched.at_ns):%Y-%m-%d %H:%M:%S} New York ({utc(look.latched.at_ns):%H:%M} UTC)"
        )
        remedy = "when a person has looked: algotrade reset-kill --by NAME --reason TEXT"
        text = f"the stop holds the account since {when}: {look.latched.text}"
        found.append(fail(text, remedy, ExitCode.RISK))
    if journal_in_use(path):
        found.append(
            warn(f"{path} is in use", "a session trades this account; another has to wait for its end")
        )
    if look.unresolved:
        text = f"{look.unresolved} orders are not over"
        found.append(warn(text, "the account's next session asks the broker about them"))
    return found or [ok(str(path))]
