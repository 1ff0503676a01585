"""The report in a real browser: pictures drawn, nothing fetched, no complaint, readable by everybody on everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.pages.browser import Browser, Scheme
from tests.report.test_amendments import bracket
from tests.report.test_round_trip import round_trip
from tests.report.writing import Writer, fill

from algo_trade.session.report import write_report

WIDE, NARROW = 1440, 360
SCREENS: tuple[tuple[int, Scheme], ...] = (
    (WIDE, "light"),
    (WIDE, "dark"),
    (NARROW, "light"),
    (NARROW, "dark"),
)

# Every line of every chart, with its box inside the units of the SVG it is stretched in.
PICTURES = """
[...document.querySelectorAll('svg[role=img]')].map(frame => ({
    name: frame.querySelector('title').textContent,
    width: frame.getBoundingClientRect().width,
    height: frame.getBoundingClientRect().height,
    lines: [...frame.querySelectorAll('svg[viewBox] path')].map(path => {
        const box = path.getBBox(), all = path.ownerSVGElement.viewBox.baseVal;
        return {
            length: path.getTotalLength(),
            inside: box.x >= 0 && box.y >= 0 && box.x + box.width <= all.width && box.y + box.height <= all.height,
            seen: getComputedStyle(path).stroke !== 'none' || getComputedStyle(path).fill !== 'none',
        };
    }),
    markers: frame.querySelectorAll('use').length,
    labels: [...frame.querySelectorAll('text')].filter(text => text.getBoundingClientRect().width > 0).length,
    outside: [...frame.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.width > 0 && (box.left < 0 || box.right > innerWidth);
    }).map(text => text.textContent),
}))
"""

_AXE = """
axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.map(
    found => found.id + ': ' + found.help + ' | ' + found.nodes.map(node => node.target.join(' ')).slice(0, 3)
))
"""


@dataclass(frozen=True)
class Session:
    """A report in a file, and how many pictures it has to show, where that is known."""

    page: Path
    pictures: int | None


def busy(directory: Path) -> Writer:
    """A session with something in every section: order flow, a bracket, refusals, dead letters, a name without end."""
    writer = round_trip(directory)
    writer.record["strategy_parameters"] = {
        "entry_z": 2.0,
        "exit_z": 0.5,
        "a_name_without_an_end_" * 4: "x" * 90,
    }
    for number in range(120):
        writer.ofi(number / 6, 0, z=(number * 37 % 80 - 40) / 10)
    for entry in bracket(directory / "unused", entry=10, profit=10).entries:
        at_s, topic, message, key, headers = entry
        writer.add(at_s + 13, topic, message, key, headers)
    writer.intent(14, "open", quantity=3)
    writer.intent(14.5, "wordy")
    writer.report(14.6, "wordy", "REJECTED", order_id="9", reject_reason="201 a reason of many words, " * 12)
    writer.add(
        15, "dlq_market_events", b"?", headers=(("dlq.reasons", json.dumps(["bid: crossed"]).encode()),)
    )
    return writer


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    made = {}
    for name, writer, pictures in (
        ("busy", busy(tmp_path_factory.mktemp("busy")), 8),
        ("empty", Writer(tmp_path_factory.mktemp("empty")), 3),
        ("unfinished", _unfinished(tmp_path_factory.mktemp("unfinished")), 4),
    ):
        directory = writer.write(ended_s=None if name == "unfinished" else 40)
        write_report(directory)
        made[name] = Session(directory / "report.html", pictures)
    return made


def _unfinished(directory: Path) -> Writer:
    """Killed with a position open, after one fill."""
    writer = Writer(directory)
    writer.tick(1, 100.0, 100.02)
    writer.intent(2, "in")
    writer.report(3, "in", "FILLED", [fill("a.01", 10, 100.02)])
    return writer


def each_screen(chromium: Browser, session: Session) -> Iterator[tuple[int, Scheme]]:
    """The page on every screen in turn."""
    for width, scheme in SCREENS:
        chromium.look(width=width, scheme=scheme, mobile=width == NARROW)
        chromium.open(session.page)
        yield width, scheme


@pytest.mark.parametrize("name", ["busy", "empty", "unfinished"])
def test_every_picture_is_drawn_on_every_screen(
    chromium: Browser, sessions: dict[str, Session], name: str
) -> None:
    """Lines have a length, lie inside their frame and can be seen; labels stay on the screen; nothing is fetched."""
    check_pictures(chromium, sessions[name], name)


def check_pictures(chromium: Browser, session: Session, name: str) -> None:
    """All of it, on every screen."""
    for width, scheme in each_screen(chromium, session):
        pictures = chromium.ask(PICTURES)
        where = f"{name}, {width} px, {scheme}"
        assert session.pictures in {None, len(pictures)}, where
        for picture in pictures:
            assert picture["width"] > 200 and picture["height"] > 80, (where, picture["name"])
            assert picture["lines"] and picture["labels"] >= 3, (where, picture["name"])
            assert picture["outside"] == [], (where, picture["name"])
            for line in picture["lines"]:
                assert line["length"] > 0 and line["inside"] and line["seen"], (where, picture["name"], line)
        assert chromium.complaints == [], where
        assert chromium.requests == [session.page.resolve().as_uri()], where
        assert chromium.ask("document.documentElement.scrollWidth") <= width, where


def test_markers_are_where_fills_and_decisions_were(chromium: Browser, sessions: dict[str, Session]) -> None:
    chromium.look(width=WIDE)
    chromium.open(sessions["busy"].page)
    prices, flow = chromium.ask(PICTURES)[2:4]
    assert (prices["markers"], flow["markers"]) == (5, 10)  # five fills, ten intents


def test_axe_has_nothing_to_object_to(chromium: Browser, sessions: dict[str, Session]) -> None:
    """In light and dark, wide and narrow. The rules are axe-core's own, all of them."""
    for width, scheme in each_screen(chromium, sessions["busy"]):
        assert objections(chromium) == [], f"{width} px, {scheme}"


def test_axe_has_nothing_to_object_to_where_there_is_nothing(
    chromium: Browser, sessions: dict[str, Session]
) -> None:
    chromium.look(width=NARROW, scheme="dark", mobile=True)
    chromium.open(sessions["empty"].page)
    assert objections(chromium) == []


def objections(chromium: Browser) -> list[str]:
    """What axe-core finds on the page that is open, one line for each rule that is broken."""
    chromium.ask((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8") + "; 1")
    found: list[str] = chromium.ask(_AXE)
    return found


def test_axe_would_object(chromium: Browser, tmp_path: Path) -> None:
    """A check that finds nothing anywhere would pass as well."""
    page = tmp_path / "bad.html"
    page.write_text(
        '<html><body><img src="data:,"><p style="color:#ccc;background:#ddd">faint</p></body></html>'
    )
    chromium.look(width=WIDE)
    chromium.open(page)
    found = {line.split(":")[0] for line in objections(chromium)}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found


def test_the_page_can_be_walked_by_keyboard(chromium: Browser, sessions: dict[str, Session]) -> None:
    """The first stop is the way past the contents; every table that scrolls can be reached and named."""
    chromium.look(width=NARROW, mobile=True)
    chromium.open(sessions["busy"].page)
    stops: list[dict[str, Any]] = chromium.ask(
        "[...document.querySelectorAll('a[href], [tabindex]')].map(e => "
        "({tag: e.tagName, href: e.getAttribute('href'), named: !!(e.textContent || e.ariaLabel)}))"
    )
    assert stops[0] == {"tag": "A", "href": "#main", "named": True}
    assert all(stop["named"] for stop in stops)
    unreachable = chromium.ask(
        "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1 && "
        "['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).length"
    )
    assert unreachable == 0


def test_night_is_dark_and_paper_is_white(chromium: Browser, sessions: dict[str, Session]) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    chromium.look(width=WIDE, scheme="dark")
    chromium.open(sessions["busy"].page)
    assert chromium.ask(back) == "rgb(18, 21, 24)"
    chromium.look(width=WIDE, scheme="dark", paper=True)
    assert chromium.ask(back) == "rgb(255, 255, 255)"
    assert chromium.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    longest = (
        "Math.max(...[...document.querySelectorAll('.scroll')].map(e => e.scrollHeight - e.clientHeight))"
    )
    assert chromium.ask(longest) <= 1  # paper cannot be scrolled
