"""report.json: everything the page says and shows, as data; and its schema.

A row is a line, so that two reports can be compared by eye and by diff.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from algo_trade.session.report.fold import Folded
from algo_trade.session.report.histogram import log_bins
from algo_trade.session.report.listing import tables_of
from algo_trade.session.report.quotes import MICROS
from algo_trade.session.report.results import Results
from algo_trade.session.report.stats import thin
from algo_trade.session.report.summary import gate_failures
from algo_trade.session.report.tables import Content, FindingRow, Series

# Of a session of hours, a point every quarter of a minute or so: enough to draw it again.
_MOST_POINTS = 1000


def content_of(results: Results) -> Content:
    """The whole of report.json."""
    return Content(
        summary=results.summary,
        gate_failures=gate_failures(results.summary),
        findings=[
            FindingRow(severity=finding.severity, check=finding.check, text=finding.text)
            for finding in results.findings
        ],
        tables=tables_of(results),
        series=_series(results.folded),
    )


def _series(folded: Folded) -> Series:
    curve = folded.curve

    def dollars(column: Sequence[int], index: int) -> float:
        return column[index] / MICROS

    def second(index: int) -> float:
        return round((curve.at_ns[index] - curve.at_ns[0]) / 1e9, 3)

    places = thin(range(len(curve.at_ns)), curve.net, _MOST_POINTS)
    return Series(
        result=[
            (second(at), dollars(curve.gross, at), dollars(curve.net, at), dollars(curve.drawdown, at))
            for at, _ in places
        ],
        exposure=[
            (second(at), dollars(curve.long_and_short, at), dollars(curve.long_less_short, at))
            for at, _ in thin(range(len(curve.at_ns)), curve.long_and_short, _MOST_POINTS)
        ],
        bar_returns=[float(f"{value:.9g}") for value in folded.returns],
        latency_ms={hop: log_bins(values) for hop, values in folded.latencies_ms.items()},
    )


_CONTENT = TypeAdapter(Content)


def json_text(content: Content) -> str:
    """report.json, byte for byte."""
    return _lines(_CONTENT.dump_python(content, mode="json"), "") + "\n"


def _lines(value: Any, indent: str) -> str:
    """JSON in which what holds lists or objects is spread over lines, and everything else is one."""
    inner = indent + " "
    if isinstance(value, dict) and any(isinstance(item, (dict, list)) and item for item in value.values()):
        rows = [f"{inner}{_flat(name)}: {_lines(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[\n" + ",\n".join(f"{inner}{_flat(item)}" for item in value) + f"\n{indent}]"
    return _flat(value)


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class _Untitled(GenerateJsonSchema):
    """Without the titles pydantic makes of field names: they repeat the name and double the diff."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def report_schema_text() -> str:
    """What contracts/report.schema.json holds, byte for byte."""
    schema = _CONTENT.json_schema(mode="serialization", schema_generator=_Untitled)
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "report.json"}
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
