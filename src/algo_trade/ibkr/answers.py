"""What a question to the gateway comes back as: rows, or the admission that nothing is known.

A list that timed out looks exactly like an empty one to whoever does not look twice; an order plane that
believes "no open orders" because nobody answered sends the same order again. So there are two types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T_co]):
    """The gateway answered, and said that this is all."""

    rows: tuple[T_co, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No complete answer. `code` is the gateway's, where it refused."""

    reason: str
    code: int | None = None


Answer: TypeAlias = Known[T] | Unknown
