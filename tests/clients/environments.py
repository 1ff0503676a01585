"""One locked environment per client: their packages overlap (eventkit and aeventkit, two `ibapi`).

An environment is made at first use from `requirements/<client>.txt`, by hash, from wherever pip is configured to
look, and is kept in `.tools/clients`. Its directory is named by the hash of what it is made of, so a changed lock
or another Python makes a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements"
# Built from source: the one client on PyPI that has no wheel. Its build tools are locked too, in build.txt.
SOURCE_ONLY = "ibapi"
CLIENTS = (
    "ib_async",
    "ib_insync",
    "ibapi",
    "nautilus-ibapi-10.30",
    "nautilus-ibapi-10.45",
    "nautilus-trader",
)


class EnvironmentFailed(Exception):
    """A client's environment could not be made; the text holds what pip said."""


@cache
def python_of(client: str) -> Path:
    """The interpreter of the client's environment, made if it is not there yet."""
    if client not in CLIENTS:
        raise ValueError(f"no client {client!r}; there are {', '.join(CLIENTS)}")
    locked = [REQUIREMENTS / "build.txt", REQUIREMENTS / f"{client}.txt"]
    digest = hashlib.sha256(sys.version.encode())
    for file in locked:
        digest.update(file.read_bytes())
    home = ROOT / ".tools" / "clients" / client / digest.hexdigest()[:16]
    python, ready = home / "bin" / "python", home / "ready"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test workers may ask at once
        if not (ready.exists() and python.exists()):
            shutil.rmtree(home, ignore_errors=True)
            _make(client, home, locked)
            ready.touch()
    return python


def _make(client: str, home: Path, locked: list[Path]) -> None:
    """Tried with what Python has, else with uv: Debian ships half of the venv module."""
    try:
        _run(client, sys.executable, "-m", "venv", str(home))
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    except EnvironmentFailed:
        shutil.rmtree(home, ignore_errors=True)
        uv = str(ROOT / "scripts" / "uv")
        _run(client, uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(home))
        install = [uv, "pip", "install", "--python", str(home / "bin" / "python")]
    for file in locked:
        options = ["--only-binary", ":all:", "--no-binary", SOURCE_ONLY, "--no-build-isolation"]
        _run(client, *install, "--quiet", "--no-deps", "--require-hashes", *options, "-r", str(file))


def _run(client: str, *command: str) -> None:
    # A habit of installing into the home directory, or only into environments, is not meant for these.
    unwanted = {"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-3000:]
        raise EnvironmentFailed(f"{client}: {' '.join(command)} ended with {done.returncode}:\n{said}")
