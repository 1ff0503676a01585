"""Randomness and ids, each from a named stream of one seed."""

from __future__ import annotations

import random
import uuid
from typing import Protocol


def rng(seed: int, *names: str) -> random.Random:
    """An independent generator for each name.

    Seeding from a string goes through SHA-512, so streams do not overlap and PYTHONHASHSEED has no say.
    """
    return random.Random(":".join((str(seed), *names)))


class IdSource(Protocol):
    """Where new ids come from."""

    def uuid(self) -> uuid.UUID:
        """A version 4 id that no other call returns."""


class SystemIds:
    """Ids from the operating system."""

    def uuid(self) -> uuid.UUID:
        return uuid.uuid4()


class SeededIds:
    """The same ids in the same order for the same generator."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._generator.getrandbits(128), version=4)
