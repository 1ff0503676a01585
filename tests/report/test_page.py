"""The page opens anywhere: well-formed, self-contained, small, and nothing from the evidence becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.test_round_trip import round_trip
from tests.report.writing import Writer, fill

from algo_trade.contracts import SessionEventKind
from algo_trade.session.report import build_report
from algo_trade.session.report.page.chart import HEIGHT, MOST_POINTS, WIDTH, Line, Marker, TimeChart, draw
from algo_trade.session.report.stats import thin
from algo_trade.session.report.wording import axis_money, duration, money, price, short_time

PRICE = "SPY: mid price over the session, with 2 buying and 1 selling fills"
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
            for name, value in attrs
            if name in ("src", "xlink:href", "style")
            or name.startswith("on")
            or (name == "href" and not (value or "").startswith("#"))
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


def charts_of(page: str) -> dict[str, ElementTree.Element]:
    """Every picture by the name a screen reader says."""
    pictures = [element for element in parse(page).iter() if element.get("role") == "img"]
    return {picture[0].text or "": picture for picture in pictures}


def test_it_has_its_charts_for_eyes_and_ears(page: str) -> None:
    charts = charts_of(page)
    assert [title.split(":")[0] for title in charts] == [
        "Profit and loss over the session, before and after commission",
        "Drawdown",
        "SPY",
        "SPY",
        "Exposure over the session",
        "Intent to fill",
        "Submit to acknowledge",
        "Acknowledge to fill",
    ]
    for title, chart in charts.items():
        name, description = chart[0], chart[1]
        assert (name.tag, description.tag) == ("title", "desc")
        assert title and len(description.text or "") > 30
        assert chart.get("aria-labelledby") == f"{name.get('id')} {description.get('id')}"
    shapes = [element.get("href") for element in charts[PRICE].iter() if element.tag == "use"]
    assert (shapes.count("#buy"), shapes.count("#sell")) == (2, 1)


def test_thresholds_are_drawn_when_the_session_says_what_they_were(tmp_path: Path, page: str) -> None:
    assert 'class="line entry-z"' not in page
    writer = round_trip(tmp_path)
    writer.record["strategy_parameters"] = {"entry_z": 2.0, "exit_z": 0.5, "name": "x"}
    with_thresholds = build_report(writer.write(ended_s=20)).html
    assert 'class="line entry-z"' in with_thresholds and 'class="line exit-z"' in with_thresholds
    assert "entry at ±2" in with_thresholds and "exit inside ±0.5" in with_thresholds


def test_a_session_without_order_flow_has_no_picture_of_it(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.tick(1, 100.0, 100.02)
    writer.bar(2, 100.0)
    report = build_report(writer.write(ended_s=5))
    assert "Order flow and decisions" not in report.html
    assert report.summary.bars == 1
    assert "Bars among the market events: 1 of 1m." in report.html


def test_headings_go_down_step_by_step_and_places_are_named(page: str) -> None:
    root = parse(page)
    levels = [int(element.tag[1]) for element in root.iter() if element.tag in ("h1", "h2", "h3")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    tags = [element.tag for element in root.iter()]
    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    idents = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(idents) == len(set(idents))
    links = [element.get("href") for element in root.iter("a")]
    assert {(link or "").removeprefix("#") for link in links} <= set(idents)


def test_tables_have_captions_and_scopes_and_scroll_by_themselves(page: str) -> None:
    root = parse(page)
    regions = [element for element in root.iter("div") if element.get("class") == "scroll"]
    assert len(regions) == len(list(root.iter("table"))) > 5
    for region in regions:
        caption = region.find("table/caption")
        assert caption is not None and "".join(caption.itertext())
        assert (region.get("tabindex"), region.get("role")) == ("0", "region")
        assert region.get("aria-labelledby") == caption.get("id")
    assert all(element.get("scope") in ("col", "row") for element in root.iter("th"))


def test_it_fits_a_phone_and_the_night_and_paper(page: str) -> None:
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_a_long_session_makes_a_page_one_can_still_open(tmp_path: Path) -> None:
    """Hundreds of orders, thousands of quotes: the page stays small, the data is whole, no line is too fine."""
    writer = Writer(tmp_path)
    for number in range(600):
        name = f"{number}"
        writer.intent(number, name, quantity=1)
        writer.report(number, name, "FILLED", [fill(f"x{number}.01", 1, 100.0)], order_id=f"{number + 1}")
    for number in range(2400):
        writer.tick(number / 4, 100 + number % 13 / 100, 100.2)
    for number in range(2000):
        writer.ofi(number * 0.3, 0, z=number % 7 - 3)
    report = build_report(writer.write(ended_s=610))
    assert len(report.html) < 800_000
    assert "600 orders; New York time; the first 500 are shown" in report.html
    assert "The first 400 fills are drawn." in report.html
    assert report.json.count('"execution_id"') == 600
    for path in re.findall(r' d="([^"]*)"', report.html):
        assert len(re.findall("[MlhvH]", path)) <= 2 * MOST_POINTS + 3


def test_many_symbols_are_drawn_as_far_as_anybody_looks(tmp_path: Path) -> None:
    """The twelve with the most fills, and it says so."""
    writer = Writer(tmp_path)
    names = [f"S{number:02}" for number in range(15)]
    writer.record["symbols"] = names
    for number, symbol in enumerate(names):
        writer.tick(number, 100.0, 100.02, symbol=symbol)
    writer.intent(20, "one", symbol="S14")
    writer.report(21, "one", "FILLED", [fill("a.01", 1, 100.0)], symbol="S14")
    page = build_report(writer.write(ended_s=30)).html
    assert "The 12 symbols with the most fills are drawn, of 15." in page
    drawn = [title for title in charts_of(page) if "mid price" in title]
    assert len(drawn) == 12 and drawn[-1].startswith("S14")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(8, 60))
def test_thinning_keeps_the_ends_and_the_extremes(values: list[float], most: int) -> None:
    points = thin(range(len(values)), values, most)
    assert len(points) <= max(most, 1)
    assert points[0] == (0, values[0]) and points[-1] == (len(values) - 1, values[-1])
    assert {min(values), max(values)} <= {value for _, value in points}
    assert points == sorted(points, key=lambda point: point[0])


@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.floats(-1e7, 1e7)), min_size=1, max_size=5), st.booleans()
)
def test_any_line_gives_a_chart_that_stays_inside_its_frame(
    points: list[tuple[int, float]], step: bool
) -> None:
    points.sort()
    chart = draw(
        TimeChart(
            ident="x",
            title="x",
            summary="x",
            start_ns=points[0][0],
            end_ns=points[-1][0],
            unit=axis_money,
            lines=[Line("a", points, step=step, fill=True)],
            markers=[Marker(*points[0], "buy", "<b>")],
        )
    )
    ElementTree.fromstring(chart)
    assert "nan" not in chart and "inf" not in chart
    (line,) = re.findall(r'class="line a" d="([^"]+)"', chart)
    places = walk(line)
    assert len(places) > 1
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    for share in re.findall(r'[xy][12]?="(-?[0-9.]+)%"', chart):
        assert 0 <= float(share) <= 100


def walk(path: str) -> list[tuple[int, int]]:
    """The places a path of M, l, h and v goes to."""
    places: list[tuple[int, int]] = []
    x = y = 0
    for command, arguments in re.findall(r"([Mlhv])([-0-9 ]+)", path):
        numbers = [int(number) for number in arguments.split()]
        if command == "M":
            x, y = numbers
        elif command == "l":
            x, y = x + numbers[0], y + numbers[1]
        elif command == "h":
            x += numbers[0]
        else:
            y += numbers[0]
        places.append((x, y))
    return places


def test_units() -> None:
    assert [money(value) for value in (0.0, -0.001, -12.345, 1234.5)] == [
        "$0.00",
        "$0.00",
        "-$12.35",
        "$1,234.50",
    ]
    assert [price(value) for value in (500.0, 490.745, 1234.5)] == ["500.00", "490.745", "1,234.50"]
    assert [short_time(value) for value in (0.0, 59.502, 1500, 200_000)] == [
        "0 ms",
        "59.5 ms",
        "1.5 s",
        "3 min 20 s",
    ]
    assert [duration(value) for value in (0.5, 59, 61, 3600, 23400)] == [
        "0.5 s",
        "59 s",
        "1 min 01 s",
        "1 h 00 min",
        "6 h 30 min",
    ]
