"""A broker for benchmarks: the one at KAFKA_BOOTSTRAP_SERVERS, or one of our own for as long as they run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = Path(__file__).parents[1] / "scripts" / "kafka"


@contextmanager
def broker() -> Iterator[str]:
    """Its address. Ends the program, saying why, where there can be none."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as place:
        started = subprocess.run([_SCRIPT, "start", place], capture_output=True, text=True, check=False)
        if started.returncode != 0:
            print(f"not measured: {started.stderr.strip()}")
            sys.exit(0)
        try:
            yield started.stdout.strip().partition("=")[2]
        finally:
            subprocess.run([_SCRIPT, "stop", place], check=False)
