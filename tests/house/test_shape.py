"""The repository keeps its own shape: sizes, words, and that its papers agree with its tools."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.house.repository import ROOT, Module, modules, texts

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

UNFINISHED = re.compile(
    r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError|type: ignore(?!\[)|except Exception:\s*pass"
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w")
REGISTRY = re.compile(
    r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|yarnpkg|crates)[\w.-]*"
    r"|^\s*--?(?:extra-)?index-url|^\s*--find-links|registry = \"|\"resolved\": \"",
    re.MULTILINE,
)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_one_idea_fits_a_module_and_a_screen_fits_a_function(module: Module) -> None:
    """Past these sizes there are two ideas in one room."""
    lines = module.text.count("\n")
    assert lines <= MODULE_LINES_MAX, f"{module.name}: {lines} lines"
    long = [
        f"{module.name}:{node.lineno} {node.name}: {length} lines"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_every_module_says_what_it_is_for(module: Module) -> None:
    """In its first line."""
    assert ast.get_docstring(module.tree), f"{module.name} has no docstring"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_nothing_is_left_unfinished(module: Module) -> None:
    """What is not done is in an issue, not in the code; what is ignored is named."""
    wrong = [
        f"{module.name}:{n}" for n, line in enumerate(module.text.splitlines(), 1) if UNFINISHED.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    """Where packages come from and where a clone lies is the reader's business."""
    wrong = [
        f"{name}: {match.group().strip()}"
        for name, text in texts()
        for pattern in (REGISTRY, MACHINE_PATH)
        if (match := pattern.search(text))
    ]
    assert not wrong, "\n".join(wrong)


def readme_test_command() -> str:
    """The line after the marker, as .ci/run finds it."""
    found = re.search(
        r"^<!-- test command.*\n```sh\n(.+)\n```", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert found, "README.md has no marked test command"
    return found.group(1)


def test_ci_runs_the_readmes_test_command_and_the_slow_tests() -> None:
    """What a reader is told to run is what a change must pass."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extraction = re.search(r"^test_command=\$\((awk .+)\)$", script, re.MULTILINE)
    assert extraction
    printed = subprocess.run(
        ["bash", "-c", extraction.group(1)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == readme_test_command() == "make test"
    assert script.index('"$test_command"') < script.index("run slow make test-slow")


@pytest.mark.parametrize(
    "name", [".ci/run", "scripts/setup", "scripts/uv", "scripts/lock", "scripts/screenshot", "scripts/kafka"]
)
def test_scripts_run_strictly(name: str) -> None:
    """Executable, and stopping at the first failure."""
    path = ROOT / name
    assert path.stat().st_mode & 0o111
    assert "\nset -euo pipefail\n" in path.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", path], check=True)


def test_the_papers_name_the_commands() -> None:
    """README for users, CONTRIBUTING for the rest, and no verb that does not exist."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert verbs >= {"setup", "run", "test", "test-slow", "bench", "lint", "lock"}
    for verb in verbs - {"help"}:
        assert f"`make {verb}`" in contributing
    assert set(re.findall(r"\bmake ([a-z-]+)`", readme + contributing)) <= verbs
    for command in ("run", "sim serve", "report", "config check", "reset-kill"):
        assert f".venv/bin/algotrade {command}" in readme


def test_an_installed_package_carries_its_configuration(tmp_path: Path) -> None:
    """A wheel has no repository around it: profiles, topics and schemas travel inside, and nothing private does."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [f"config/{name}.yaml" for name in ("dev", "paper", "prod", "instruments")]
    for name in (*shipped, "contracts/topics.yaml"):
        assert f"algo_trade/_resources/{name}" in names
    assert not [name for name in names if ".env" in name or name.endswith(".db")]
