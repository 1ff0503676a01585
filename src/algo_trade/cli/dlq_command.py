"""`algotrade dlq`: what could not be understood, seen and put back."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from algo_trade.bus import Bus, EmbeddedBus, EmbeddedLogReader
from algo_trade.bus.dlq import FoundLetter, LetterSource, LogSource, NotReplayable, Place, find, letters
from algo_trade.bus.dlq_replay import Replayed, Request, replay
from algo_trade.cli.letter_text import letter_json, letter_lines, list_lines
from algo_trade.cli.options import parse_duration_s
from algo_trade.cli.session_place import (
    BusOption,
    ProfileOption,
    SessionDirOption,
    SessionPlace,
    chosen,
    kafka_bus,
)
from algo_trade.clock import Clock, SystemIds, run_real, run_virtual
from algo_trade.session.plan import last_record_ns
from algo_trade.settings import load_settings

T = TypeVar("T")

dlq_app = typer.Typer(no_args_is_help=True)

PlaceArgument = Annotated[
    str, typer.Argument(help="TOPIC/PARTITION/OFFSET, as list shows it.", show_default=False)
]


def list_letters(
    topic: Annotated[
        str | None, typer.Option(help="Only of this topic, or of this topic of dead letters.")
    ] = None,
    session_dir: SessionDirOption = None,
    bus: BusOption = None,
    profile: ProfileOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the letters as one JSON array.")] = False,
) -> None:
    """List what was put aside."""

    async def collect(source: LetterSource) -> list[FoundLetter]:
        return [letter async for letter in letters(source, topic)]

    found = _reading(chosen(session_dir, bus), profile, collect)
    if json:
        print(jsonlib.dumps([letter_json(letter) for letter in found]))
        return
    for line in list_lines(found):
        print(line)
    print(f"{len(found)} dead letter{'' if len(found) == 1 else 's'}", file=sys.stderr)


def show(
    place: PlaceArgument,
    session_dir: SessionDirOption = None,
    bus: BusOption = None,
    profile: ProfileOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the letter as one JSON object.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the original bytes, exactly, and nothing else.")
    ] = False,
) -> None:
    """Show one letter whole."""
    if json and raw:
        raise typer.BadParameter("--json and --raw are two answers; ask for one")
    wanted = Place.parse(place)
    found = _reading(chosen(session_dir, bus), profile, lambda source: find(source, wanted))
    if raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(found.record.value)
        sys.stdout.buffer.flush()
    elif json:
        print(jsonlib.dumps(letter_json(found)))
    else:
        for line in letter_lines(found):
            print(line)


def put_back(
    place: PlaceArgument,
    by: Annotated[str, typer.Option(help="Who takes the responsibility; written beside the message.")],
    reason: Annotated[str, typer.Option(help="Why it goes back; written beside the message.")],
    value: Annotated[
        Path | None, typer.Option(help="A file with the mended message; default: the original bytes.")
    ] = None,
    valid_for: Annotated[str, typer.Option(help="How long an order may still be sent: 30s, 5m.")] = "30s",
    session_dir: SessionDirOption = None,
    bus: BusOption = None,
    profile: ProfileOption = None,
) -> None:
    """Put a letter back on its topic, once (exit 1: never put back, or done already; 3: invalid)."""
    if not by.strip() or not reason.strip():
        raise typer.BadParameter("a replay needs a name and a reason")
    wanted, chosen_log = Place.parse(place), chosen(session_dir, bus)
    request = Request(by, reason, None if value is None else _content(value), parse_duration_s(valid_for))

    async def body(opened: Bus, clock: Clock) -> Replayed:
        return await replay(opened, await find(opened, wanted), request, clock)

    done = _writing(chosen_log, profile, body)
    record = done.record
    print(f"{wanted} is put back at {record.topic}/{record.partition}/{record.offset}")
    if done.new_id is not None:
        print(f"intent {done.old_id} is now {done.new_id}, valid for {request.valid_s:g} s")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="--value") from None


# -- the log ---------------------------------------------------------------------------------------------
def _reading(
    place: SessionPlace | None, profile: str | None, body: Callable[[LetterSource], Awaitable[T]]
) -> T:
    async def main(clock: Clock) -> T:
        if place is not None:
            with EmbeddedLogReader(place.log) as log:
                return await body(LogSource(log))
        async with _opened(kafka_bus(load_settings(profile).kafka, clock)) as bus:
            return await body(bus)

    return run_real(main)


def _writing(
    place: SessionPlace | None, profile: str | None, body: Callable[[Bus, Clock], Awaitable[T]]
) -> T:
    async def main(clock: Clock) -> T:
        if place is None:
            bus: Bus = kafka_bus(load_settings(profile).kafka, clock)
        else:
            bus = EmbeddedBus(place.log, clock=clock, ids=SystemIds())
        async with _opened(bus) as opened:
            return await body(opened, clock)

    record = None if place is None else place.record
    if place is None or record is None:
        return run_real(main)
    if record.ended is not None:
        raise NotReplayable(
            f"{place.directory} holds a finished session: its log is its evidence, and nobody reads on in it"
        )
    if record.clock == "virtual":
        # The session's time stands where its log ends, and goes on from there when it is resumed.
        return run_virtual(main, start_ns=last_record_ns(place.log))
    return run_real(main)


@asynccontextmanager
async def _opened(bus: Bus) -> AsyncIterator[Bus]:
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()
