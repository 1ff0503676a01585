"""ib_insync 0.9.86, unmodified, in a process of its own against a real simulator."""

from __future__ import annotations

from tests.conformance.behaviours import Behaviours

CLIENT, DRIVER, RUNS = "ib_insync", "drive_ib.py", [("ib_insync",)]


class TestIbInsync(Behaviours):
    version = 176
