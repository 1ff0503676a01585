"""The `algotrade` command, which also prints how much memory it had taken before its report was made, and at its end.

python -m benchmarks.measured_session run --json ...
"""

from __future__ import annotations

import json
import resource
from pathlib import Path

from algo_trade.cli import run_command
from algo_trade.cli.main import main
from algo_trade.session.report import Report, write_report

_KIB_A_MB = 1024


def peak_mb() -> float:
    """The most this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_A_MB


if __name__ == "__main__":
    before: list[float] = []

    def measured(directory: Path) -> Report:
        before.append(peak_mb())
        return write_report(directory)

    run_command.write_report = measured  # type: ignore[attr-defined]  # not its own: what is measured is around it
    try:
        main()
    finally:
        print(json.dumps({"session_mb": before[0], "whole_mb": peak_mb()}))
