"""The sections of the settings: types, units, bounds and defaults of every value.

This is the one place where a default is written; `config/*.yaml` only says where a profile differs. What
concerns a single value is checked here, what concerns several is in `rules`. Each field is also an
environment variable (`variables` derives the name: `ibkr.port` is IBKR_PORT).
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)


def _split(value: object) -> object:
    """Environment variables know no lists: `SPY, QQQ` is one string there."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"named twice: {', '.join(repeated)}")
    return values


def _plain(value: Decimal) -> Decimal:
    """1e4 and 10000.00 are one amount; written alike, they also are one session."""
    return Decimal(f"{value.normalize():f}")


Money = Annotated[Decimal, Field(gt=0, allow_inf_nan=False), AfterValidator(_plain)]  # US dollars, exact
Loss = Annotated[Decimal, Field(lt=0, allow_inf_nan=False), AfterValidator(_plain)]  # US dollars, exact
Seconds = Annotated[float, Field(gt=0)]
Shares = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Symbol = Annotated[str, BeforeValidator(_upper), Field(pattern=r"^[A-Z0-9][A-Z0-9. \-]{0,19}$")]
Symbols = Annotated[
    tuple[Symbol, ...], BeforeValidator(_split), Field(min_length=1), AfterValidator(_distinct)
]
BarSize = Literal["5s", "1m", "5m", "15m", "30m", "1h", "4h", "1d"]
BarSizes = Annotated[tuple[BarSize, ...], BeforeValidator(_split), AfterValidator(_distinct)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]
# Letters, then digits: U1234567 (live), DU1234567, DUD193105, DF1234567 (paper), DSIM001 (our simulator).
AccountId = Annotated[
    str, StringConstraints(strip_whitespace=True), Field(pattern=r"^[A-Z]{1,5}[0-9]{3,12}$")
]


# The simulator reads these itself; here is only their form: SPY=11:00+5m.
Halt = Annotated[str, Field(pattern=r"^[^=,]+=\d{1,2}:\d\d\+\d{1,5}[hms]$")]
Halts = Annotated[tuple[Halt, ...], BeforeValidator(_split), AfterValidator(_distinct)]
# Relative to where the command was started, once; a later chdir must not change it.
FilePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Section(BaseModel):
    """A group of settings: frozen, nothing unknown, no NaN and no infinity anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class IbkrSettings(Section):
    """The gateway (IB Gateway, TWS or the simulator) and the account behind it."""

    account_id: AccountId  # no default: which account is traded is never a guess
    host: Text = "127.0.0.1"
    port: Port = 4002  # IB Gateway paper; TWS paper is 7497
    client_id: Annotated[int, Field(ge=1, le=999_999_999)] = 1  # 0 would bind orders placed by hand in TWS
    # Of a data plane in a process of its own; the orders keep `client_id`, which their gateway knows them by.
    data_client_id: Annotated[int, Field(ge=1, le=999_999_999)] | None = None  # the next one
    paper_mode: bool = True
    read_only: bool = False  # true: no order leaves, whatever the strategy says
    timeout_sec: Seconds = 10.0
    reconnect_attempts: Annotated[int, Field(ge=0, le=100)] = 3  # quick tries, before the slow ones
    reconnect_backoff_sec: Seconds = 1.0  # before the first try; doubles with each
    # The gateway drops a client above 50 messages/s of all kinds, and cancels need 5 of those.
    order_rate_limit: Annotated[int, Field(ge=6, le=50)] = 50
    hist_data_rate_limit: Annotated[int, Field(ge=1, le=60)] = 60  # requests in 10 minutes
    market_data_subscriptions: Annotated[int, Field(ge=1)] = 100  # lines at once


class KafkaSettings(Section):
    """The cluster between the planes, when they are processes of their own."""

    bootstrap_servers: Text = "localhost:9092"
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)
    ] = "PLAINTEXT"
    client_id: Text = "algo-trade-client"
    consumer_group: Text = "algo-trade-group"
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = (
        ""  # for a cluster shared with others
    )
    patience_sec: Seconds = 30.0  # how long a start waits for the cluster to answer
    batch_size: Annotated[int, Field(ge=1)] = 16_384  # bytes
    linger_ms: Annotated[float, Field(ge=0, le=1000)] = (
        0.0  # of market data; on one machine 1 ms makes a tick's 1.5 ms to the strategy 2.6, and no feed needs it
    )
    compression_type: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "lz4"
    acks: Literal["all"] = "all"  # fewer would lose acknowledged intents with the leader
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: Text | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_location: Text | None = None
    ssl_certificate_location: Text | None = None
    ssl_key_location: Text | None = None
    ssl_key_password: SecretStr | None = None
    schema_registry_url: Text = "http://127.0.0.1:8081"  # of `contracts register` alone; the planes ask none


class VaultSettings(Section):
    """HashiCorp Vault, for those who keep credentials there."""

    use: bool = False
    addr: Text | None = None
    token: SecretStr | None = None
    path: Text = "secret/algo-trade"


class MarketDataSettings(Section):
    """What is watched."""

    symbols: Symbols = ("SPY", "QQQ", "IWM")
    bar_sizes: BarSizes = ()  # recorded beside those the strategy asks for
    history: Annotated[str, Field(pattern=r"^[1-9][0-9]* [SDWMY]$")] = (
        "1 D"  # an IBKR duration; of bars whose strategy names none
    )


class StrategySettings(Section):
    """Which strategy trades. Its parameters are its own: OFI_ENTRY_Z, or `strategies: {ofi: {entry_z: 2.5}}`."""

    name: Text = "ofi"  # of an installed one; `algotrade strategies` lists them


class RiskSettings(Section):
    """Limits checked before every order. None means "not set", and an order without its limit is refused."""

    allocated_capital: Money  # no default: the drawdown stop is a fraction of it
    max_position_shares: Shares | None = 10  # a symbol, absolute
    max_order_shares: Shares | None = 10
    max_gross_usd: Money | None = Decimal(1000)
    max_net_usd: Money | None = Decimal(1000)  # absolute
    price_collar_pct: Annotated[float, Field(gt=0, le=50)] | None = 1.0  # from a fresh mark
    max_data_age_s: Seconds | None = 2.0  # since arrival, not since the gateway's whole-second stamp


class KillSwitchSettings(Section):
    """The durable stop."""

    pnl_usd: Loss = Decimal(-100)  # net of commission
    drawdown_pct: Annotated[float, Field(gt=0, le=100)] = 5.0  # of risk.allocated_capital


class JournalSettings(Section):
    """The order journal, and with it the log of intents and reports.

    `synchronous` full: every mark survives the loss of power. normal: it survives the death of the process and no
    more, and an order's way out no longer waits for the disk.
    """

    synchronous: Annotated[Literal["full", "normal"], BeforeValidator(_lower)] = "full"


class SimulatorSettings(Section):
    """The gateway simulator that profile dev starts for itself."""

    ack_ms: Annotated[float, Field(ge=0, le=600_000)] = 20.0  # mean, order in → acknowledged
    fill_ms: Annotated[float, Field(ge=0, le=600_000)] = 40.0  # mean, acknowledged → filled
    lines: Annotated[int, Field(ge=1)] = 100  # market data lines the account may hold
    catalogue: FilePath | None = None  # instruments of one's own, over config/instruments.yaml
    # New York times at which a symbol does not trade: SPY=11:00+5m,QQQ=12:00+90s. On every day that is open then.
    halts: Halts = ()
