"""What tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.broker import kafka_servers

__all__ = ["kafka_servers"]

# Where slow tests run real processes against real clocks. They run one after the other, beside the campaigns in virtual
# time: a second one at the same time would take the cores they measure their patience with.
_REAL_TIME = ("bus", "conformance", "processes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One of two workers gets all of them (`--dist loadgroup`, in `make test-slow`)."""
    here = Path(__file__).parent
    for item in items:
        if item.get_closest_marker("slow") and item.path.relative_to(here).parts[0] in _REAL_TIME:
            item.add_marker(pytest.mark.xdist_group("real time"))
