"""deploy/docker-compose.yml as the tests see it, with its variables replaced, and as a real parser does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.house.repository import ROOT

COMPOSE = ROOT / "deploy" / "docker-compose.yml"
PROFILES = ("sim", "paper", "monitoring")

_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*))?\}")


def services() -> dict[str, dict[str, Any]]:
    """Every service as written, of all profiles, anchors merged."""
    content = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return dict(content["services"])


def of_profile(profile: str) -> dict[str, dict[str, Any]]:
    """The services that `--profile` starts: its own, and those of no profile."""
    return {name: body for name, body in services().items() if profile in body.get("profiles", [profile])}


def variables() -> set[str]:
    """Every name the file asks its surroundings for."""
    named = {match[1] for match in _VARIABLE.finditer(COMPOSE.read_text(encoding="utf-8"))}
    for body in services().values():
        named |= {name for name, value in body.get("environment", {}).items() if value is None}
    return named


def environment(body: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """What the container's environment is when .env holds `given`: as Compose documents it."""
    done = {}
    for name, value in body.get("environment", {}).items():
        if value is None:
            if name in given:
                done[name] = given[name]
        else:
            done[name] = _VARIABLE.sub(lambda match: given.get(match[1]) or match[2] or "", str(value))
    return done


def must_finish_before(name: str, found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every (service, condition) that stands between the start and this service, also through others."""
    for other, how in found[name].get("depends_on", {}).items():
        yield other, how["condition"]
        yield from must_finish_before(other, found)


def parse(profile: str | None, env_file: Path | None = None) -> dict[str, Any]:
    """What a real Compose makes of the file; skips where there is none, and fails there in CI."""
    command = _command()
    if command is None:
        reason = "no Compose here (Debian: docker-compose)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = [] if env_file is None else ["--env-file", str(env_file)]
    options += ["--file", str(COMPOSE)] + ([] if profile is None else ["--profile", profile])
    bare = {name: value for name, value in os.environ.items() if name not in variables()}
    done = subprocess.run(
        [*command, *options, "config"], capture_output=True, text=True, check=False, env=bare, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr and "level=warning" not in done.stderr, done.stderr
    return dict(yaml.safe_load(done.stdout))


def _command() -> list[str] | None:
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        found = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if found.returncode == 0:
            return ["docker", "compose"]
    return None
