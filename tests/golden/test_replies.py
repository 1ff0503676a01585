"""Golden frames: what we encode, each client's own decoder gives back, for every message and version they share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.golden.clients import VERSIONS, Speaker
from tests.golden.messages import CASES, NAMES, SILENT, STRUCTURE, UNSEEN, Case
from tests.golden.values import same, strategy

from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.layout import Layout

LAYOUTS = {name: layout for name, layout in vars(replies).items() if isinstance(layout, Layout)}
Values = dict[str, Any]
# Explaining a failure takes a hundred times the frames that finding it did.
PHASES = (Phase.generate, Phase.shrink)


def drawn_values(case: Case, layout: Layout) -> st.SearchStrategy[Values]:
    """Something for every field that carries a value by itself, and up to three rows for every list."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for word in layout._words:
        if word.is_list and word.name in case.rows:
            columns = [strategy(case.values.get(column, column)) for column in case.rows[word.name].split()]
            fields[word.name] = st.lists(st.tuples(*columns), max_size=3)
        elif word.name and not word.is_list and word.name not in STRUCTURE:
            kind = case.values.get(word.name, word.name)
            fields[word.name] = strategy(kind)
    return st.fixed_dictionaries(fields)


def seen_under(case: Case, name: str) -> tuple[str, ...]:
    return tuple(case.names[name].split()) if name in case.names else NAMES.get(name, (name,))


def found(leaves: list[tuple[str, Any]], names: tuple[str, ...]) -> list[Any]:
    """The values at the paths that end in one of the names."""
    return [value for path, value in leaves for name in names if f".{path}".endswith(f".{name}")]


def check(
    case: Case, layout: Layout, values: Values, version: int, answer: dict[str, Any], unseen: frozenset[str]
) -> None:
    """Everything that was put in came out, nothing was left unread, in the callbacks expected.

    What is `unseen` is read past; `unread` and the fields after it prove that.
    """
    assert "failure" not in answer, answer["failure"]
    assert answer["unread"] == 0
    calls: list[list[tuple[str, Any]]] = answer["calls"]
    assert calls
    assert {dict(call)["callback"] for call in calls} <= set(case.callback.split()) | {"tickSize"}
    leaves = [leaf for call in calls for leaf in call[1:]]
    for word in layout._words:
        if word.name not in values or not word.since <= version <= word.until:
            continue
        names = seen_under(case, word.name)
        if word.is_list:
            check_rows(case, word.name, values[word.name], calls)
        elif names[0] != "-":
            seen = found(leaves, names)
            if word.name in unseen:
                assert not seen, f"{word.name} is seen after all"
                continue
            assert any(same(values[word.name], value) for value in seen), (
                f"{word.name} was {values[word.name]!r}, seen as {seen}"
            )


def check_rows(case: Case, name: str, rows: list[tuple[str, ...]], calls: list[Any]) -> None:
    for index, row in enumerate(rows):
        if case.is_one_call_a_row:
            leaves = calls[index][1:]
        else:
            leaves = [leaf for leaf in calls[0] if f".[{index}]." in leaf[0]]
        assert leaves, f"row {index} of {name} is not there"
        for column, cell in zip(case.rows[name].split(), row, strict=True):
            names = seen_under(case, column)
            if names[0] == "-":
                continue
            seen = found(leaves, names)
            assert seen, f"{column} of {name} is not seen"
            assert any(same(cell, value) for value in seen), f"{column} was {cell!r}, seen as {seen}"


def test_every_message_has_a_case() -> None:
    """A new layout is not served before every client has read it."""
    assert set(LAYOUTS) <= set(CASES)


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_client_reads_what_we_encode(speaker: Speaker, name: str) -> None:
    """At every version it can negotiate, for drawn values, to the last field."""
    case, layout, versions = CASES[name], LAYOUTS[name], VERSIONS[speaker.client]
    unseen = frozenset(UNSEEN.get((speaker.client, name), "").split())

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(drawn_values(case, layout))
    def run(values: Values) -> None:
        frames = [layout.encode(version, values) for version in versions]
        jobs = [
            {"version": version, "payload": data[4:].hex()}
            for version, data in zip(versions, frames, strict=True)
        ]
        for version, answer in zip(versions, speaker.ask(jobs), strict=True):
            if name in SILENT.get(speaker.client, ()):
                assert not answer["calls"]
            else:
                check(case, layout, values, version, answer, unseen)

    run()
