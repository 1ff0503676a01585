"""Everything that can go wrong between us and a gateway, sorted by what the caller does next.

IBKRError
  Stop                  give up: a person has to change something (carries the exit code)
    Unreachable           start-up patience is spent; nobody answers as a gateway            exit 4
    ClientIdInUse         the gateway answers, but another program holds our client id        exit 4
    VersionRefused        the gateway speaks a version we have no layout for                 exit 4
    LockRefused           the paper lock: this could have been real money                    exit 6
    ListenerBug           a callback of ours raised: a defect, never the gateway's fault     exit 70
  Retry                 may go through later; nothing was written
    NotConnected          no connection is up
    OrdersHalted          order entry is halted until somebody has reconciled
  Refuse                this one input is bad and will stay bad
    OrderRefused          an order that may never leave (read-only, malformed)
    InstrumentRefused     the gateway knows no such contract, or more than one
    FieldRefused          a value that cannot be written into a frame
    FramingError          the byte stream is not a sequence of frames: the connection ends
"""

from __future__ import annotations

from typing import ClassVar

from algo_trade.exit_codes import ExitCode


class IBKRError(Exception):
    """Root of this package's errors."""


class Stop(IBKRError):
    """Trying again is pointless until a person has acted. `exit_code` is what the command answers."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL


class Unreachable(Stop):
    """No gateway answered within the configured attempts. The text names the address and what to check."""

    exit_code = ExitCode.UNREACHABLE


class ClientIdInUse(Unreachable):
    """Error 326 outlasted our patience. Another id would hide our own orders from us, so none is tried."""


class VersionRefused(Stop):
    """The gateway's version lies outside the layouts we know: decoding would be guessing."""

    exit_code = ExitCode.UNREACHABLE


class LockRefused(Stop):
    """The paper lock refused accounts, port or host. No order byte has left."""

    exit_code = ExitCode.LOCK_REFUSED


class ListenerBug(Stop):
    """One of our own callbacks raised; `__cause__` is the original. The reader goes on, the session must end."""


class Retry(IBKRError):
    """Nothing was written; the same call may succeed later."""


class NotConnected(Retry):
    """There is no connection in state CONNECTED."""


class OrdersHalted(Retry):
    """Order entry is halted; the text says since which event. Reconcile, then open the gate."""


class Refuse(IBKRError):
    """This input is bad."""


class OrderRefused(Refuse):
    """An order that must not leave."""


class InstrumentRefused(Refuse):
    """A symbol that is not exactly one contract."""


class FieldRefused(Refuse):
    """A value that would break the frame it is written into."""


class FramingError(Refuse):
    """A length that cannot be one. `frames` are the complete frames before it, in order."""

    def __init__(self, text: str, frames: list[bytes]) -> None:
        super().__init__(text)
        self.frames = frames
