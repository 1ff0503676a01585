"""What all connections hold together: those that have not started the API, and bytes that nobody reads.

Memory in all, at the bounds of `limits`: unread 64 MB and 64 KB a client; half-received frames 256 KB a connection,
of which there are 64 waiting and 32 clients, 24 MB.
"""

from __future__ import annotations

from typing import Protocol

from algo_trade.gateway_sim.limits import MAX_UNREAD_BYTES, MAX_UNREAD_BYTES_OF_ALL, MAX_WAITING


class Member(Protocol):
    def cut_off(self, why: str) -> None:
        """End at once; what it is owed is lost."""


class Crowd:
    """The connections of one gateway. A member that leaves is in neither account any more."""

    def __init__(self) -> None:
        self._waiting: dict[Member, None] = {}  # in the order they came
        self._unread: dict[Member, int] = {}
        self._unread_bytes = 0

    @property
    def waiting(self) -> int:
        """How many have not started the API."""
        return len(self._waiting)

    @property
    def unread_bytes(self) -> int:
        """What is kept here for clients that are behind."""
        return self._unread_bytes

    def wait(self, member: Member) -> None:
        """A new connection. An honest one is quick, so it is the one that waited longest that makes room."""
        self._waiting[member] = None
        if len(self._waiting) > MAX_WAITING:
            next(iter(self._waiting)).cut_off(f"{MAX_WAITING} others came and it has not started the API")

    def started(self, member: Member) -> None:
        self._waiting.pop(member, None)

    def owe(self, member: Member, size: int) -> None:
        """More is kept for a member that is behind; whoever is owed too much is cut off, perhaps this one."""
        owed = self._unread.get(member, 0) + size
        self._unread[member] = owed
        self._unread_bytes += size
        if owed > MAX_UNREAD_BYTES:
            member.cut_off(f"it left {owed} bytes unread")
        elif self._unread_bytes > MAX_UNREAD_BYTES_OF_ALL:
            most = max(self._unread, key=self._unread.__getitem__)
            most.cut_off(f"it left {self._unread[most]} bytes unread, of {self._unread_bytes} that all did")

    def paid(self, member: Member, size: int) -> None:
        """So much less is kept for a member."""
        left = self._unread[member] - size
        assert left >= 0, "no more is paid than was owed"
        self._unread_bytes -= size
        if left:
            self._unread[member] = left
        else:
            del self._unread[member]

    def leave(self, member: Member) -> None:
        self._waiting.pop(member, None)
        self._unread_bytes -= self._unread.pop(member, 0)
