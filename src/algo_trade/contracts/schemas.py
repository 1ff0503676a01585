"""The JSON Schemas of the messages, generated from the models and committed for whoever is not Python.

    python -m algo_trade.contracts.schemas --write    after a model has changed
    python -m algo_trade.contracts.schemas --check    exit 1 and the names, where files and models differ

A schema says what a reader accepts. Two rules of the models are beyond it: that prices of one message agree with
each other (ask and bid, high and low, filled and requested), and that a time names a day that exists.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from algo_trade.contracts.base import Message
from algo_trade.contracts.topics import MESSAGES
from algo_trade.resources import resource_path

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Without the titles pydantic makes of field names: they repeat the name and double the diff."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(model: type[Message]) -> dict[str, Any]:
    """The JSON Schema of one message."""
    schema = model.model_json_schema(schema_generator=_Generator)
    return {"$schema": _DIALECT, **schema}


def rendered() -> dict[str, str]:
    """What each file must hold, by its name."""
    return {
        f"{model.EVENT_TYPE}.json": json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"
        for model in MESSAGES.values()
    }


def differences(directory: Path) -> list[str]:
    """One line for each file that is missing, different, or nobody's."""
    wanted = rendered()
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.json"))}
    lines = [f"{name}: missing" for name in wanted if name not in found]
    lines += [
        f"{name}: differs from the model" for name in wanted if name in found and found[name] != wanted[name]
    ]
    lines += [f"{name}: no message has this schema" for name in found if name not in wanted]
    return lines


def write(directory: Path) -> None:
    """Make the files what they must be."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = rendered()
    for path in directory.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m algo_trade.contracts.schemas")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files from the models")
    action.add_argument("--check", action="store_true", help="exit 1 where files and models differ")
    parser.add_argument("--directory", type=Path, default=resource_path("contracts") / "schemas")
    options = parser.parse_args(arguments)
    if options.write:
        write(options.directory)
        return 0
    lines = differences(options.directory)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
