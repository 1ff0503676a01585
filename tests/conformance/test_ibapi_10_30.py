"""The official ibapi 10.30.1, unmodified, in a process of its own against a real simulator."""

from __future__ import annotations

from tests.conformance.behaviours import Behaviours

CLIENT, DRIVER, RUNS = "nautilus-ibapi-10.30", "drive_ibapi.py", [()]


class TestIbapi1030(Behaviours):
    version = 178
