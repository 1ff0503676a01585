"""The session's log, opened to be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from algo_trade.bus import BusError, EmbeddedLogReader
from algo_trade.session.report.errors import EvidenceInvalid, EvidenceMissing


@contextmanager
def open_log(directory: Path) -> Iterator[EmbeddedLogReader]:
    """Raises EvidenceMissing where there is no log, EvidenceInvalid where it cannot be read to its end."""
    if not any(directory.glob("*.db")):
        raise EvidenceMissing(f"{directory}: the session's log is not there")
    try:
        with EmbeddedLogReader(directory) as log:
            yield log
    except BusError as error:
        raise EvidenceInvalid(f"the session's log cannot be read: {error}") from error
