"""ib_async 2.1.0, unmodified, in a process of its own against a real simulator."""

from __future__ import annotations

from tests.conformance.behaviours import Behaviours

CLIENT, DRIVER, RUNS = "ib_async", "drive_ib.py", [("ib_async",)]


class TestIbAsync(Behaviours):
    version = 178
