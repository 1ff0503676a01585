"""What a module's client saw, once for all of its tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.environments import python_of
from tests.conformance.harness import known_market, plan, seen_by


class Seen:
    """What a client's user saw, by what it is about."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.lines = lines

    def all(self, about: str) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in line.items() if name != "about"}
            for line in self.lines
            if line["about"] == about
        ]

    def one(self, about: str) -> dict[str, Any]:
        [line] = self.all(about)
        return line


@pytest.fixture(scope="module")
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The module names its CLIENT, its DRIVER and the RUNS of it, each with arguments, against one simulator."""
    module = request.module
    directory: Path = tmp_path_factory.mktemp(module.CLIENT)
    steps = directory / "plan.json"
    steps.write_text(json.dumps(plan()))
    python = python_of(module.CLIENT)
    lines = []
    with known_market(directory) as sim:
        for arguments in module.RUNS:
            lines += seen_by(python, module.DRIVER, str(sim.port), str(steps), *arguments)
    yield Seen(lines)
