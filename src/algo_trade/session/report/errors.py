"""What can be wrong with the evidence a session left.

    EvidenceError
      Stop                 nothing can be reported from this directory; the command ends with exit code 7
        EvidenceMissing    there is no session here, or its log is gone
        EvidenceInvalid    there is one, and it cannot be what a session wrote: damaged, or changed by hand

What merely contradicts itself (a gap, an overfill) is no error: it is a finding, printed in the report.
"""

from __future__ import annotations

from typing import ClassVar

from algo_trade.exit_codes import ExitCode


class EvidenceError(Exception):
    """Root of the report's errors. The text is one sentence for the person who asked for the report."""

    exit_code: ClassVar[ExitCode] = ExitCode.EVIDENCE


class EvidenceMissing(EvidenceError):
    """No session's record or no log where one has to be. The text names the path."""


class EvidenceInvalid(EvidenceError):
    """The record or the log is not what a session writes. The text names the file or the topic and offset."""
