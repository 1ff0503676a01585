"""What can go wrong in the simulator, sorted by what the caller does next.

SimulatorError
├── QuotesFileError       this input file is bad: fix the file (the CLI prints it as one line)
├── CatalogueError        this catalogue is bad: fix the file (every problem is told, one a line)
├── HaltError             this halt cannot be scheduled: fix the option or the setting
├── SimulatorStateError   the saved state is another simulator's: use another path or the old settings
└── WireError             this peer broke the protocol: its connection is closed, the simulator stays up
    └── RequestError      this one request is bad: it is answered with a gateway error, the connection stays
"""

from __future__ import annotations

from collections.abc import Iterable


class SimulatorError(Exception):
    """Base of everything the simulator raises on purpose."""


class QuotesFileError(SimulatorError):
    """A recorded quotes file that cannot be served; the text names the file, the row and the reason."""


class CatalogueError(SimulatorError):
    """A catalogue that cannot be used; `problems` holds every reason, each naming the file and the key."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class HaltError(SimulatorError):
    """A scheduled halt that is not one, or of a symbol that cannot be halted."""


class SimulatorStateError(SimulatorError):
    """State on disk that does not belong to this configuration, or is in use."""


class WireError(SimulatorError):
    """Bytes that no client of this protocol sends."""


class RequestError(WireError):
    """A framed request that cannot be honoured.

    `code` and `text` are the gateway's own; `request_id` is the id to answer to, -1 when it has none.
    """

    def __init__(self, code: int, text: str, request_id: int = -1) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.request_id = request_id
