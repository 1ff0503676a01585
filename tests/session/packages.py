"""Packages installed in a temporary directory: their modules, and the metadata an installer would have written."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

GROUP = "algo_trade.strategies"


def install(directory: Path, pyproject: str, modules: Mapping[str, str]) -> None:
    """What pip would put into `directory` for a project: its modules, its name and version, its entry points."""
    project = tomllib.loads(pyproject)["project"]
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in modules.items():
        (directory / f"{name}.py").write_text(text, encoding="utf-8")
    info = directory / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    lines = [f"{name} = {value}" for name, value in project.get("entry-points", {}).get(GROUP, {}).items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), encoding="utf-8")


def project(name: str, version: str = "1.0.0", **entry_points: str) -> str:
    """A pyproject.toml with these entry points."""
    lines = [f'{entry} = "{value}"' for entry, value in entry_points.items()]
    return "\n".join(
        [f'[project]\nname = "{name}"\nversion = "{version}"', f'[project.entry-points."{GROUP}"]', *lines]
    )


@contextmanager
def on_path(directory: Path) -> Iterator[None]:
    """Importable in this process for the block, and forgotten afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(directory))
        importlib.invalidate_caches()
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(directory)):
                del sys.modules[name]
