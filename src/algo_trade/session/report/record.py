"""session.json: what a session says about itself, written when it starts and completed when it ends.

Nothing is counted from here. It names what a log cannot know: the seed, the profile, what was asked for, and the
seconds of the wall clock. Unknown fields are kept out of the way, so that an older report reads a newer record.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from algo_trade.clock import from_utc
from algo_trade.session.report.errors import EvidenceInvalid, EvidenceMissing

RECORD_NAME = "session.json"


class SessionRecord(BaseModel):
    """One session. `duration_s` is what was asked for until `ended` is set, and what was run from then on."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    session_id: str
    profile: str
    clock: Literal["virtual", "real"]
    seed: int | None = None
    strategy_id: str = ""
    strategy_package: str | None = None  # the strategy came in
    strategy_version: str | None = None  # of that package
    strategy_parameters: dict[str, JsonValue] = Field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    settings_fingerprint: str = ""
    allocated_capital: float | None = None  # dollars; what a drawdown in per cent is a fraction of
    duration_s: float | None = None
    planned_s: float | None = None
    started: AwareDatetime
    bus: Literal["embedded", "kafka"] = "embedded"  # where the log was while the session ran
    log: str = "log"
    ended: AwareDatetime | None = None
    wall_s: float | None = None
    mode: Literal["SIM", "PAPER", "LIVE"] | None = None
    digest: str | None = None  # as the session computed it when it ended, if it did

    @property
    def started_ns(self) -> int:
        """UTC epoch nanoseconds."""
        return from_utc(self.started)

    @property
    def planned_duration_s(self) -> float | None:
        """Seconds that were asked for, as far as the record still says so."""
        if self.planned_s is not None:
            return self.planned_s
        return None if self.ended else self.duration_s


def load_record(directory: Path) -> SessionRecord:
    """The record of the session in `directory`. Raises EvidenceMissing or EvidenceInvalid."""
    path = directory / RECORD_NAME
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        text = f"{directory} holds no session: there is no {RECORD_NAME} in it"
        raise EvidenceMissing(text) from error
    except OSError as error:
        raise EvidenceInvalid(f"{path} cannot be read: {error.strerror}") from error
    try:
        return SessionRecord.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole of it"
        raise EvidenceInvalid(f"{path} is not a session's record: {where}: {first['msg']}") from error


def rfc3339(moment: datetime) -> str:
    """As messages write it: UTC with a Z."""
    return moment.isoformat().replace("+00:00", "Z")
