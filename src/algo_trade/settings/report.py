"""What `algotrade config check` shows: every setting, its value, where it came from, and what to know about it."""

from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from pydantic import SecretStr

from algo_trade.settings.model import Settings
from algo_trade.settings.variables import VARIABLES, Variable

# The gateway allows one tick-by-tick subscription for every twenty market data lines.
_LINES_PER_TICK_STREAM = 20


class ConfigRow(NamedTuple):
    """One setting. `value` is safe to show; `note` is empty when there is nothing to say."""

    name: str
    value: str
    source: str
    note: str


def config_report(settings: Settings) -> list[ConfigRow]:
    """Every variable in the order of the model, secrets as ***, with notes on limits that can never bind."""
    notes = limit_notes(settings) | _plain_notes(settings)
    return [
        ConfigRow(v.name, _shown(settings, v), settings.origin(v.dotted), notes.get(v.name, ""))
        for v in VARIABLES.values()
    ]


def _shown(settings: Settings, variable: Variable) -> str:
    value: object = attrgetter(variable.dotted)(settings)
    if isinstance(value, SecretStr):
        return "***" if value.get_secret_value() else ""
    return shown_value(value)


def shown_value(value: object) -> str:
    """A value as a person would write it into the environment."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def limit_notes(settings: Settings) -> dict[str, str]:
    """Limits that another limit makes idle, by variable. True of any prices, so no price is assumed."""
    notes: dict[str, str] = {}
    risk, kill = settings.risk, settings.kill_switch
    gross_usd, net_usd = risk.max_gross_usd, risk.max_net_usd
    shares, order_shares = risk.max_position_shares, risk.max_order_shares
    if gross_usd is not None and shares is not None:
        notes["RISK_MAX_POSITION_SHARES"] = (
            f"can only bind below ${gross_usd / shares:,.2f} a share: {shares} shares of anything dearer exceed "
            "RISK_MAX_GROSS_USD"
        )
    if gross_usd is not None and net_usd is not None and net_usd >= gross_usd:
        notes["RISK_MAX_NET_USD"] = "can never bind: net exposure is never more than gross"
    if shares is not None and order_shares is not None and order_shares >= 2 * shares:
        notes["RISK_MAX_ORDER_SHARES"] = (
            f"can never bind: {2 * shares} shares turn the largest position round"
        )
    drawdown_usd = risk.allocated_capital * Decimal(str(kill.drawdown_pct)) / 100
    if drawdown_usd > -kill.pnl_usd:
        notes["KILL_SWITCH_DRAWDOWN_PCT"] = (
            f"${drawdown_usd:,.2f} of RISK_ALLOCATED_CAPITAL: can only bind after a gain of more than "
            f"${drawdown_usd + kill.pnl_usd:,.2f}; before that KILL_SWITCH_PNL_USD stops first"
        )
    for name, limit in risk:
        if limit is None:
            notes[f"RISK_{name.upper()}"] = "not set: every order is refused"
    return notes


def _plain_notes(settings: Settings) -> dict[str, str]:
    notes = dict(settings._notes)
    notes["KAFKA_CONSUMER_GROUP"] = (
        "not used: the planes keep offsets of their own, with what came of the records"
    )
    notes["METRICS_PORT"] = "not used yet: nothing listens there"
    streams = settings.ibkr.market_data_subscriptions // _LINES_PER_TICK_STREAM
    if len(settings.market_data.symbols) > streams:
        notes["MARKET_DATA_SYMBOLS"] = (
            f"{settings.ibkr.market_data_subscriptions} lines carry {streams} tick-by-tick streams; a strategy of "
            "ticks gets samples of the symbols beyond"
        )
    if settings.ibkr.read_only:
        notes["IBKR_READ_ONLY"] = "no order will be sent"
    if settings.session_refusal:
        notes.setdefault("ENVIRONMENT", settings.session_refusal)
    if settings.profile == "dev":
        for name in ("IBKR_HOST", "IBKR_PORT"):
            notes[name] = "not used: profile dev starts its own gateway simulator"
    else:
        for variable in VARIABLES.values():
            if variable.path[0] == "simulator":
                notes[variable.name] = "not used: only profile dev starts the simulator"
    if settings.vault.use:
        notes["USE_VAULT"] = (
            "checked for completeness; sessions on this machine need no secret and fetch none"
        )
    return notes
