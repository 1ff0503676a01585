"""The page about the simulator can be believed: its code runs, its tables are the program's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.house.repository import ROOT

from algo_trade.gateway_sim.faults.table import TABLE
from algo_trade.testing import RunningSimulator

PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- run: (\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_block_for_ib_async_trades(tmp_path: Path) -> None:
    with RunningSimulator() as gateway:
        assert run("-c", BLOCKS["ib_async"], cwd=tmp_path, SIM_PORT=str(gateway.port)) == "Filled 5.0\n1\n"


def test_the_block_for_pytest_passes(tmp_path: Path) -> None:
    (tmp_path / "test_block.py").write_text(BLOCKS["pytest"])
    assert "2 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_block.py", cwd=tmp_path)


def test_the_block_for_asyncio_runs(tmp_path: Path) -> None:
    count, year = run("-c", BLOCKS["asyncio"], cwd=tmp_path).split()
    assert count == "1" and int(year) > 2000


def test_every_fault_stands_in_the_table_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
    told = {kind: re.findall(r"`(\w+)`", names) for kind, names in rows.items()}
    known = {
        each.model_fields["kind"].default: [n for n in each.model_fields if n != "kind"] for each in TABLE
    }
    assert {kind: sorted(names) for kind, names in told.items()} == {
        kind: sorted(names) for kind, names in known.items()
    }


def test_other_blocks_are_python() -> None:
    """Their clients are not installed here, but they compile."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == len(BLOCKS) + 2
    for block in blocks:
        compile(block, "docs/simulator.md", "exec")
