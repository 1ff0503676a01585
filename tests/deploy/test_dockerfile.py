"""The image: who runs in it, where its packages come from, and what never gets near it."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest
from tests.deploy.compose import services
from tests.house.repository import ROOT, repository_files

TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")

# Instructions with their continuation lines, and the stages they make.
LINES = [line for line in re.sub(r"\\\n\s*", "", TEXT).splitlines() if line and not line.startswith("#")]
STAGES = [stage.splitlines() for stage in re.split(r"\n(?=FROM )", "\n".join(LINES))[1:]]
FINAL = STAGES[-1]


def excluded(path: str) -> bool:
    """As Docker reads .dockerignore: the last line that fits a path, or a directory above it, decides."""
    parts = path.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    verdict = False
    for line in IGNORED:
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        if pattern.startswith("**/"):
            fits = any(fnmatch(part, pattern[3:]) for part in parts)
        else:
            fits = any(fnmatch(name, pattern) and name.count("/") == pattern.count("/") for name in above)
        if fits:
            verdict = not line.startswith("!")
    return verdict


def test_the_base_is_pinned_to_a_patch_of_a_supported_python() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.12\.\d+-slim-\w+$", TEXT, re.MULTILINE)
    assert {stage[0].split()[1] for stage in STAGES} == {"${PYTHON_IMAGE}"}


def test_it_runs_as_nobody_special() -> None:
    """By number, so that `runAsNonRoot` and the owner of a volume are decided; and nothing is root's after it."""
    (user,) = [line for line in FINAL if line.startswith("USER ")]
    assert re.fullmatch(r"USER [1-9]\d{3,}:[1-9]\d{3,}", user)
    assert not [line for line in FINAL[FINAL.index(user) :] if line.startswith(("RUN", "COPY", "ADD"))]
    uid = user.split()[1].split(":")[0]
    assert f"--uid {uid} " in TEXT and f"--owner {uid} " in TEXT


def test_packages_come_by_hash() -> None:
    """Whatever pip installs is locked, or is the wheel that was just made."""
    installs = [
        line for line in LINES for line in line.split("&&") if re.search(r"\bpip\b.* install\b", line)
    ]
    assert len(installs) == 3
    for line in installs:
        assert "--require-hashes" in line or ("--no-index" in line and "--no-deps" in line), line
    assert not re.search(r"index-url|find-links|trusted-host|apt-get|curl|wget", TEXT)


def test_the_last_stage_builds_nothing() -> None:
    text = "\n".join(FINAL)
    assert not re.search(r"\bpip\b|hatchling|requirements|gcc|build-essential", text)
    assert [line for line in FINAL if line.startswith("COPY")] == [
        "COPY --from=packages /opt/algotrade /opt/algotrade"
    ]
    assert "python -m venv --without-pip" in TEXT


def test_it_starts_the_command_and_says_how_it_is() -> None:
    assert 'ENTRYPOINT ["algotrade"]' in FINAL
    assert [line for line in FINAL if line.startswith("HEALTHCHECK ")]


def test_its_data_is_where_compose_mounts_the_volume() -> None:
    assert "ALGOTRADE_DATA_DIR=/data/state" in "\n".join(FINAL) and "WORKDIR /data" in FINAL
    mounts = {v.split(":")[1] for n, b in services().items() if n.endswith("-plane") for v in b["volumes"]}
    assert mounts == {"/data"}


def test_no_secret_is_built_in() -> None:
    assert not re.search(r"\.env|PASSWORD|USERID|TOKEN|SECRET", TEXT)
    assert not [line for line in LINES if line.startswith("ADD ") or re.match(r"COPY (--\S+ )*\. ", line)]


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "src/.env",
        "deploy/paper.env",
        "config/my.env",
        ".git/config",
        "sessions/monday/report.json",
        "src/algo_trade/x.db",
        "src/algo_trade/x.db-wal",
        "src/algo_trade/__pycache__/x.pyc",
        "tests/broker.py",
        ".venv/bin/python",
        "docs/design.md",
        "DU1234567.journal.db",
    ],
)
def test_what_is_private_or_needless_is_not_even_sent_to_the_builder(path: str) -> None:
    assert excluded(path)


def test_what_is_copied_is_sent() -> None:
    """Every file of what the image is made of, and what a COPY names."""
    named = {name for line in LINES if re.match(r"COPY (?!--from)", line) for name in line.split()[1:-1]}
    assert named == {line[1:] for line in IGNORED if line.startswith("!")}
    for path in repository_files():
        name = str(path.relative_to(ROOT))
        if name.split("/")[0] in named:
            assert not excluded(name), name
