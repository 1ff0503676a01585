"""Logging of a whole process: one line an event on stderr, ours and every library's, redacted.

    2012-06-21T13:30:00.250Z INFO    algo_trade.order_plane  order_acknowledged symbol=SPY order_id=7

Code logs through `structlog.get_logger(__name__)` (an event name and values) or the standard `logging`; both end
in the same handler. stdout is never touched: it carries the command's data.
"""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from algo_trade.telemetry.redaction import Redactor

# These tell every message of theirs at INFO; what we need from them we log ourselves.
_TALKATIVE = ("ib_async", "asyncio")


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """The last step before a line leaves the process, hence the one place where redaction cannot be passed by."""

    def __init__(self, redactor: Redactor, now_ns: Callable[[], int] | None) -> None:
        self._redactor = redactor
        self._now_ns = now_ns
        super().__init__(
            processors=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                self._render,
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor(super().format(record))

    def _render(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        record = event.pop("_record")
        event.pop("_from_structlog")
        ns = self._now_ns() if self._now_ns else int(record.created * 1_000_000_000)
        moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
        tail = [event.pop(name) for name in ("exception", "stack") if event.get(name)]
        level, logger = event.pop("level"), event.pop("logger")
        text = str(event.pop("event")).replace("\n", "\\n")  # a gateway's text must not forge a second line
        values = "".join(f" {name}={_value(value)}" for name, value in event.items())
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000 % 1000:03d}Z"
        return "\n".join([f"{stamp} {level.upper():<7} {logger}  {text}{values}", *tail])


class _StderrHandler(logging.Handler):
    """Looks sys.stderr up at each line: a progress bar replaces it while it is shown."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  # a bad record must not stop trading, nor be shown unredacted
            line = (
                f"log record of {record.name} cannot be shown: {type(error).__name__} at line {record.lineno}"
            )
        stream = self._stream or sys.stderr
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            return  # nobody reads stderr any more (broken pipe, closed stream); trading goes on


def configure_logging(
    level: str,
    *,
    redactor: Redactor,
    now_ns: Callable[[], int] | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send every logger of the process through one redacting handler; calling it again replaces the first call.

    `level` is a name such as "INFO". `now_ns` stamps the lines (UTC epoch nanoseconds): give the session's clock, so
    that a virtual session's lines carry its own time; without it the time of the record is used. `stream` stands in
    for sys.stderr. Raises ValueError for an unknown level.
    """
    handler = _StderrHandler(stream)
    handler.setFormatter(_Redacting(redactor, now_ns))
    root = logging.getLogger()
    root.setLevel(level)
    for old in [old for old in root.handlers if isinstance(old, _StderrHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(
            logging.NOTSET if level == "DEBUG" else max(root.level, logging.WARNING)
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a module's logger may be asked for before logging is set up
    )


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(char.isspace() or char in "\"'=" for char in text) else text
