"""The official ibapi 9.81.1, unmodified, in a process of its own against a real simulator."""

from __future__ import annotations

from tests.conformance.behaviours import Behaviours

CLIENT, DRIVER, RUNS = "ibapi", "drive_ibapi.py", [()]


class TestIbapi981(Behaviours):
    version = 157
