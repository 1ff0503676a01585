"""The page opens anywhere: well-formed, self-contained, small, and nothing from the evidence becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.test_round_trip import round_trip
from tests.report.writing import Writer, fill

from algo_trade.contracts import SessionEventKind
from algo_trade.session.report import build_report
from algo_trade.session.report.charts import MOST_POINTS, Line, line_chart, thin
from algo_trade.session.report.wording import axis_money, duration, money

NASTY = "</script><img src=x onerror=alert(1)>&\"'"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build_report(round_trip(tmp_path_factory.mktemp("page")).write(ended_s=20)).html


def parse(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


class Loads(HTMLParser):
    """Collects whatever a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base", "form", "meta") and (
            tag != "meta" or dict(attrs).get("http-equiv")
        ):
            self.found.append(tag)
        self.found += [
            name
            for name, _ in attrs
            if name in ("src", "href", "xlink:href", "style") or name.startswith("on")
        ]


def test_it_is_well_formed_and_loads_nothing(page: str) -> None:
    root = parse(page)
    assert root.tag == "html" and root.get("lang") == "en"
    loads = Loads()
    loads.feed(page)
    assert loads.found == []
    assert "http" not in page
    assert not re.search(r"url\(|@import", page)


def test_what_the_evidence_says_is_text(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.record = {"session_id": NASTY, "strategy_id": NASTY, "symbols": [NASTY[:20]]}
    writer.tick(1, 100.0, 100.02, symbol=NASTY[:20])
    writer.tick(2, 100.0, 100.02, symbol=NASTY[:20])
    writer.intent(3, "one", symbol=NASTY[:20])
    writer.report(4, "one", "REJECTED", order_id=NASTY, reject_reason=NASTY, symbol=NASTY[:20])
    writer.intent(5, "two")
    writer.report(5, "two", "FILLED", [fill(NASTY, 10, 100.0)], order_id="2")
    writer.event(6, SessionEventKind.GATEWAY_ERROR, NASTY, 201)
    writer.check(7, NASTY, {NASTY: 1})
    page = build_report(writer.write(ended_s=8)).html
    parse(page)
    loads = Loads()
    loads.feed(page)
    assert loads.found == []


def test_rejects_are_shown_with_their_reason(page: str) -> None:
    text = " ".join(parse(page).itertext())
    assert "201 <b>margin</b> & co" in text
    assert "PT-03 position limit" in text
    assert "too old" in text


def test_it_has_its_charts_for_eyes_and_ears(page: str) -> None:
    charts = [element for element in parse(page).iter() if element.tag == "svg"]
    assert [chart.get("role") for chart in charts] == ["img"] * 3
    labels = [chart.get("aria-label") or "" for chart in charts]
    assert labels[0].startswith("Profit and loss")
    assert labels[2] == "SPY: mid price over the session, with 2 buying and 1 selling fills"
    styles = [element.get("class") for element in charts[2].iter()]
    assert (styles.count("buy"), styles.count("sell")) == (2, 1)


def test_it_fits_a_phone_and_the_night(page: str) -> None:
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert page.count("<table>") == len(re.findall('<div class="scroll"[^>]*><table>', page))


def test_a_long_session_stays_small(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    for number in range(1500):
        writer.intent(number + 1, str(number), ("BUY", "SELL")[number % 2])
        shares = [fill(f"x.{number}.01", 10, 100 + number % 7)]
        side = ("BUY", "SELL")[number % 2]
        writer.report(number + 1.5, str(number), "FILLED", shares, order_id=str(number + 1), side=side)
    for number in range(6000):
        writer.tick(number / 4, 100 + number % 13 / 100, 100.2)
    report = build_report(writer.write(ended_s=1600))
    assert len(report.html) < 2_000_000
    assert "1,500 orders; New York time; the first 500 are shown" in report.html
    assert report.json.count('"execution_id"') == 1500
    for path in re.findall(r' d="([^"]*)"', report.html):
        assert len(re.findall("[MLH]", path)) <= MOST_POINTS + 3


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(8, 60))
def test_thinning_keeps_the_ends_and_the_extremes(values: list[float], most: int) -> None:
    points = thin(range(len(values)), values, most)
    assert len(points) <= max(most, 1)
    assert points[0] == (0, values[0]) and points[-1] == (len(values) - 1, values[-1])
    assert {min(values), max(values)} <= {value for _, value in points}
    assert points == sorted(points, key=lambda point: point[0])


@given(st.lists(st.tuples(st.integers(0, 10**12), st.floats(-1e7, 1e7)), min_size=1, max_size=5))
def test_any_line_gives_a_chart(points: list[tuple[int, float]]) -> None:
    points.sort()
    chart = line_chart(
        "x", [Line("x", "a", points)], start_ns=points[0][0], end_ns=points[-1][0], unit=axis_money
    )
    ElementTree.fromstring(chart)
    assert "nan" not in chart and "inf" not in chart


def test_units() -> None:
    assert [money(value) for value in (0.0, -0.001, -12.345, 1234.5)] == [
        "$0.00",
        "$0.00",
        "-$12.35",
        "$1,234.50",
    ]
    assert [duration(value) for value in (0.5, 59, 61, 3600, 23400)] == [
        "0.5 s",
        "59 s",
        "1 min 01 s",
        "1 h 00 min",
        "6 h 30 min",
    ]
