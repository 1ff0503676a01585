"""How a session ended, and what that means to a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from algo_trade.exit_codes import ExitCode
from algo_trade.ibkr import Mode
from algo_trade.order_plane.flatten import Outcome


class StrategyFault(Exception):
    """The strategy's own code failed; its positions were closed and the session ended."""

    exit_code: ClassVar[ExitCode] = ExitCode.GATE_FAILED


@dataclass(frozen=True, slots=True)
class Ending:
    """`error` is what broke the session, None when it came to its own end. UTC epoch ns."""

    ended_ns: int
    interrupted: bool
    kill_reason: str | None
    outcome: Outcome
    mode: Mode
    error: BaseException | None

    @property
    def told(self) -> str:
        """What a person should read first, or nothing."""
        said = [
            f"the session broke: {type(self.error).__name__}: {self.error}" if self.error else "",
            f"the kill switch fired: {self.kill_reason}" if self.kill_reason else "",
            "" if self.outcome.flat else str(self.outcome),
        ]
        return "; ".join(text for text in said if text)


def exit_code(ending: Ending, gate_failures: Sequence[str]) -> ExitCode:
    """The first that holds: broken, stopped by risk, interrupted, a criterion not met, fine."""
    if ending.error is not None:
        own = getattr(ending.error, "exit_code", None)
        return own if isinstance(own, ExitCode) else ExitCode.INTERNAL
    if ending.kill_reason is not None:
        return ExitCode.RISK
    if ending.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if ending.outcome.flat and not gate_failures else ExitCode.GATE_FAILED
