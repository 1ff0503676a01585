"""The manual can be believed: every command has a page, every example is accepted, every line fits."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from tests.house.repository import ROOT
from typer.testing import CliRunner

from algo_trade.cli import main as main_module
from algo_trade.cli.main import app
from algo_trade.cli.manual import PAGES
from algo_trade.cli.options import parse_duration_s, parse_speed, parse_symbols
from algo_trade.exit_codes import ExitCode


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its path: ("", the whole), ("run", …), ("sim serve", …)."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{path} {name}".strip())


COMMANDS = dict(commands(typer.main.get_command(app)))
EXAMPLES = [command for page in PAGES.values() for command, _ in page.examples]
README = [
    line.split("#")[0].strip().removeprefix(".venv/bin/")
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith(".venv/bin/algotrade ")
]


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert COMMANDS.keys() == PAGES.keys()


@pytest.mark.parametrize("path", COMMANDS)
def test_help_says_what_it_does_with_examples_and_exit_codes(path: str) -> None:
    """On 80 columns, without a line that is broken by the terminal."""
    done = CliRunner().invoke(app, [*path.split(), "--help"], terminal_width=80, color=False)
    assert done.exit_code == 0
    page = PAGES[path]
    said = " ".join(done.output.split())
    assert " ".join(page.text.split()) in said
    for command, _ in page.examples:
        assert f"    {command}\n" in done.output
    for code in page.codes:
        assert f" {code.value}  " in done.output
    assert max(map(len, done.output.splitlines())) <= 80
    runs_something = not hasattr(COMMANDS[path], "commands")
    assert bool(page.examples) >= runs_something and bool(page.codes) >= runs_something


@pytest.mark.parametrize("example", [*EXAMPLES, *README])
def test_every_example_is_accepted(example: str) -> None:
    """Options exist, values are readable, nothing that is required is missing."""
    program, *words = shlex.split(example)
    assert program == "algotrade"
    for shell in ("|", ">"):
        if shell in words:
            words = words[: words.index(shell)]
    path, command = "", COMMANDS[""]
    while words and hasattr(command, "commands"):
        path, command = f"{path} {words[0]}".strip(), command.commands[words[0]]
        words = words[1:]
    given = command.make_context(path, words).params
    readers: dict[str, Any] = {"duration": parse_duration_s, "speed": parse_speed, "symbols": parse_symbols}
    for name, read in readers.items():
        if given.get(name) is not None:
            read(given[name])


def test_an_example_that_is_wrong_would_be_found() -> None:
    with pytest.raises(Exception, match="--spede"):
        test_every_example_is_accepted("algotrade run --spede max")
    with pytest.raises(Exception, match="6x"):
        test_every_example_is_accepted("algotrade run --duration 6x")


def test_every_exit_code_is_explained() -> None:
    assert set(PAGES[""].codes) == set(ExitCode)


def test_the_version_is_the_packages() -> None:
    done = CliRunner().invoke(app, ["--version"])
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert done.exit_code == 0
    assert f'version = "{done.output.split()[1]}"' in pyproject


def test_without_a_command_there_is_help() -> None:
    assert "Usage: algotrade" in CliRunner().invoke(app, []).output


def test_a_terminal_that_cannot_write_an_arrow_still_gets_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASCII terminal gets a replacement, not a traceback after six hours."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr(main_module, "app", lambda **_: sys.stdout.write("intent → fill\n") and None)
    with pytest.raises(SystemExit) as ending:
        main_module.main()
    assert (ending.value.code, written.getvalue()) == (0, b"intent ? fill\n")


def test_a_reader_that_has_enough_is_no_error() -> None:
    """`algotrade --help | head -1`."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m algo_trade --help | head -1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Usage: python -m algo_trade [OPTIONS] COMMAND [ARGS]...\n0\n"
    assert done.stderr == ""
