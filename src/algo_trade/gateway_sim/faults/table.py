"""The faults there are, and what each one takes.

Theory. A fault is one of three sorts, by what ends it:

    at once     it happens and is over: a dropped connection, a correction, a restart
    for a time  it holds for some seconds of the simulator's clock, then what it held back follows
    next        it waits for the next event of its kind, takes that one, and is over

Faults touch three places and no more. On the wire (`wire`): frames are dropped, doubled or held between the gateway
and a client, so whatever the gateway says by then is what a real one would have said. At the door: connections are
refused, or end. At the broker: acknowledgements take longer, an order is rejected, an execution is corrected. What
is armed is armed for every client unless it names one, also for those that connect later.

    1100, then silence of the farms    1101   data lost: market data subscriptions are gone
                                       1102   data maintained: subscriptions go on
    In between no market data comes, what is told about orders waits, and orders and cancels that are sent wait too.
    2103 / 2105                        2104 / 2106   the market data farm, the historical data farm
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

_Client = Annotated[int, Field(ge=0, le=2**31 - 1)] | None
_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drop(_Fault):
    """Close connections, in order (FIN) or `abrupt`ly: half a frame, then a reset."""

    kind: Literal["drop"] = "drop"
    client: _Client = None
    abrupt: bool = False


class Silent(_Fault):
    """Say nothing and read nothing for a time; the connection stays open. What was owed follows."""

    kind: Literal["silent"] = "silent"
    client: _Client = None
    seconds: _Seconds = 10.0


class ConnectivityLost(_Fault):
    """1100, and after some seconds 1102, or 1101 where `data` is lost."""

    kind: Literal["connectivity_lost"] = "connectivity_lost"
    seconds: _Seconds = 10.0
    data: Literal["maintained", "lost"] = "maintained"


class FarmBroken(_Fault):
    """A data farm is away: 2103 and no market data, or 2105 and no history, until 2104 or 2106."""

    kind: Literal["farm_broken"] = "farm_broken"
    farm: Literal["market", "history"] = "market"
    seconds: _Seconds = 10.0


class DelayAcks(_Fault):
    """Every acknowledgement takes so much longer from now on; 0 ends that."""

    kind: Literal["delay_acks"] = "delay_acks"
    ms: Annotated[float, Field(ge=0, le=3_600_000)]


class RejectNext(_Fault):
    """The broker rejects the next order it gets (201, Inactive)."""

    kind: Literal["reject_next"] = "reject_next"
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\\]*$")] = (
        "made to fail"
    )


class LoseNext(_Fault):
    """The next callback of a kind never reaches the client: nobody asked for it, so nobody misses it."""

    kind: Literal["lose_next"] = "lose_next"
    what: Literal["execution", "status", "commission"]
    client: _Client = None


class DuplicateExecution(_Fault):
    """The next execution is told twice, with one execution id."""

    kind: Literal["duplicate_execution"] = "duplicate_execution"
    client: _Client = None


class CorrectExecution(_Fault):
    """An execution, the last one if none is named, is told again with another price and its id's next suffix."""

    kind: Literal["correct_execution"] = "correct_execution"
    price: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4)]
    exec_id: Annotated[str, StringConstraints(max_length=64)] = ""


class Restart(_Fault):
    """The gateway goes away for some seconds and comes back; orders at the broker live on, staged ones are lost.

    `roll_back_ids` makes the next valid id of every client so much smaller: ids of orders that exist are handed out
    again, as after a restart in which a gateway lost what it wrote last.
    """

    kind: Literal["restart"] = "restart"
    seconds: _Seconds = 1.0
    roll_back_ids: Annotated[int, Field(ge=0, le=1000)] = 0


class RefuseConnections(_Fault):
    """For a time new connections are accepted and closed at once, as a proxy before a dead gateway does."""

    kind: Literal["refuse_connections"] = "refuse_connections"
    seconds: _Seconds = 10.0


Fault = (
    Drop
    | Silent
    | ConnectivityLost
    | FarmBroken
    | DelayAcks
    | RejectNext
    | LoseNext
    | DuplicateExecution
    | CorrectExecution
    | Restart
    | RefuseConnections
)
TABLE: tuple[type[Fault], ...] = (
    Drop,
    Silent,
    ConnectivityLost,
    FarmBroken,
    DelayAcks,
    RejectNext,
    LoseNext,
    DuplicateExecution,
    CorrectExecution,
    Restart,
    RefuseConnections,
)
FAULT: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])
