"""`algotrade contracts`: the schemas of the messages, as files and in a schema registry."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.bus.schema_registry import SchemaRegistry, subjects
from algo_trade.contracts.schemas import rendered
from algo_trade.exit_codes import ExitCode
from algo_trade.settings import load_settings

contracts_app = typer.Typer(no_args_is_help=True)


def export_command(
    directory: Annotated[Path, typer.Argument(help="Where to; made if it is not there.", show_default=False)],
) -> None:
    """Write the JSON Schema of every message, one file each. Other files of the directory are left alone."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in rendered().items():
            (directory / name).write_text(text, encoding="utf-8")
            print(directory / name)
    except OSError as error:
        print(f"algotrade: cannot write {error.filename or directory}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(ExitCode.CONFIG) from None


def register_command(
    url: Annotated[
        str | None, typer.Option(help="The registry's address; default: KAFKA_SCHEMA_REGISTRY_URL.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="dev, paper or prod; default: ENVIRONMENT, else dev.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, one object a subject.")] = False,
) -> None:
    """Have a schema registry hold the schema of every message, and guard its compatibility."""
    kafka = load_settings(profile, overrides={} if url is None else {"kafka.schema_registry_url": url}).kafka
    registry = SchemaRegistry(kafka.schema_registry_url, kafka.patience_sec)
    done = registry.register_all(subjects(kafka.topic_prefix))
    if as_json:
        print(json.dumps([asdict(one) for one in done], indent=2))
    else:
        width = max(len(one.subject) for one in done)
        for one in done:
            about = one.reason if one.schema_id is None else f"id {one.schema_id}"
            print(f"{one.outcome:<10}  {one.subject:<{width}}  {about}")
    refused = sum(one.outcome == "refused" for one in done)
    if refused:
        print(
            f"algotrade: the schema registry refuses {refused} of {len(done)} schemas; a message may gain optional "
            "fields, anything else needs a new version",
            file=sys.stderr,
        )
        raise typer.Exit(ExitCode.GATE_FAILED)
