"""The locked requirements are what pyproject.toml asks for, whole, hashed, and say nothing of where they come from."""

import importlib.metadata
import itertools
import re
import tomllib
from functools import cache

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.house.repository import ROOT

FILES = ("requirements.txt", "requirements-dev.txt", "scripts/uv.txt")
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("linux", "darwin", "win32")


@cache
def pyproject() -> dict[str, object]:
    """pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def wanted(name: str) -> list[Requirement]:
    """What pyproject.toml asks of a file: the runtime, and for the developers' file their group as well."""
    project, groups = pyproject()["project"], pyproject()["dependency-groups"]
    assert isinstance(project, dict)
    assert isinstance(groups, dict)
    lines = project["dependencies"] + (groups["dev"] if name == "requirements-dev.txt" else [])
    return [Requirement(line) for line in lines]


@cache
def locked(name: str) -> tuple[tuple[Requirement, tuple[str, ...]], ...]:
    """Every requirement of a file with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    rows = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for row in rows:
        requirement, *hashes = row.split("--hash=")
        found.append((Requirement(requirement.strip()), tuple(value.strip() for value in hashes)))
    return tuple(found)


def pins(name: str, python: str, platform: str) -> dict[str, str]:
    """Package → version that a file gives a machine."""
    environment = machine(python, platform)
    chosen: dict[str, str] = {}
    for requirement, _ in locked(name):
        if requirement.marker is None or requirement.marker.evaluate({**environment}):
            key = canonicalize_name(requirement.name)
            assert key not in chosen, f"{key} twice for {python} on {platform}"
            chosen[key] = str(requirement.specifier).removeprefix("==")
    return chosen


def machine(python: str, platform: str) -> dict[str, str]:
    """The marker environment of another machine."""
    system = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[platform]
    here = {name: str(value) for name, value in default_environment().items()}
    return here | {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": platform,
        "platform_system": system,
    }


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    """One version each, and at least one file that may be it."""
    assert locked(name)
    for requirement, hashes in locked(name):
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), f"{requirement} is not pinned"
        assert requirement.url is None
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes)


@pytest.mark.parametrize("name", FILES)
def test_no_file_says_where_packages_come_from(name: str) -> None:
    """No index, no host, no path: the reader's pip knows."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"index-url|find-links|trusted-host|://|\bfile:|^-[erf]\b", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "python", "platform"),
    list(itertools.product(("requirements.txt", "requirements-dev.txt"), PYTHONS, PLATFORMS)),
)
def test_the_lock_answers_pyproject_on_every_supported_machine(name: str, python: str, platform: str) -> None:
    """Everything asked for is there, in a version that was asked for."""
    chosen = pins(name, python, platform)
    for requirement in wanted(name):
        version = chosen.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {name}"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement} is locked at {version}"
        )


def test_the_lock_has_what_the_locked_packages_need() -> None:
    """A hand-made edit that forgets a dependency fails here, not in a user's set-up."""
    name = "requirements-dev.txt"
    chosen = {
        canonicalize_name(requirement.name)
        for requirement, _ in locked(name)
        if requirement.marker is None or requirement.marker.evaluate()
    }
    for package in sorted(chosen):
        for line in importlib.metadata.requires(package) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in chosen, f"{package} needs {needed}"


def test_developers_run_what_users_run() -> None:
    """The same pins and hashes in both files."""
    assert {str(r): h for r, h in locked("requirements.txt")}.items() <= {
        str(r): h for r, h in locked("requirements-dev.txt")
    }.items()


def test_the_supported_pythons_are_the_ones_set_up_accepts() -> None:
    """pyproject.toml, the classifiers and scripts/setup say the same."""
    project = pyproject()["project"]
    assert isinstance(project, dict)
    assert project["requires-python"] == ">=3.11,<3.14"
    classified = [line.rsplit(" ", 1)[1] for line in project["classifiers"] if "Python :: 3." in line]
    assert tuple(classified) == PYTHONS
    assert "(3, 11) <= sys.version_info[:2] < (3, 14)" in (ROOT / "scripts/setup").read_text(encoding="utf-8")


def test_installed_versions_are_the_locked_ones() -> None:
    """The tests prove what is shipped, not what happened to be there."""
    for requirement, _ in locked("requirements-dev.txt"):
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(
                importlib.metadata.version(requirement.name), prereleases=True
            )
