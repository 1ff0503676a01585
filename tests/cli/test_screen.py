"""The screen answers whether it trades, is safe and needs somebody, on any terminal and without colours."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tests.cli.statuses import note, status

from algo_trade.cli.screen import line, note_line, screen
from algo_trade.contracts import Severity
from algo_trade.session.progress import Holding, Money, OrderCounts, State, Status


def drawn(moment: Status, width: int = 80, *, colours: bool = False) -> str:
    """What a terminal of that width gets."""
    console = Console(
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard" if colours else None,
        legacy_windows=False,
        _environ={} if colours else {"NO_COLOR": "1"},
    )
    console.print(screen(moment, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def words(text: str) -> str:
    """Without line breaks: what is said, wherever it was broken."""
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 52, 79, 80, 200])
def test_every_width_says_everything(width: int) -> None:
    """Nothing is wider than the terminal, nothing is cut off, and it stays one screen."""
    text = drawn(status(), width)
    said = words(text)
    for fact in (
        "TRADING SIM",
        "OFI on SPY QQQ IWM",
        "11:48:41 New York",
        "you nothing to do",
        "2:18:41 of 6:00:00, 3:41:19 left",
        "-$30.92 = -$0.92 trading - $30.00 commission",
        "31% of the way to the stop at -$100.00",
        "1 working, 30 filled, 0 cancelled, 1 rejected, 0 refused",
        "SPY +1 ($574.40)",
        "last SPY 0.1 s ago, QQQ 0.2 s ago, IWM 3.2 s ago; 247,157 in all",
        "09:30:01 gateway error 201: Order rejected - insufficient margin",
    ):
        assert fact in said, fact
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 24


@given(st.integers(40, 250), st.floats(-1e6, 1e6), st.integers(0, 10**9), st.text(max_size=300))
@settings(max_examples=30, deadline=None)
def test_no_session_breaks_the_screen(width: int, result: float, ticks: int, text: str) -> None:
    moment = status(
        ticks=ticks,
        reason=text,
        money=Money(result, result, 0.0, -100.0, 500.0, 1.0),
        notes=[note(1, text)],
    )
    lines = drawn(moment, width).split("\n")
    assert max(map(cell_len, lines)) <= width
    assert all(letter.isprintable() for line in lines for letter in line)


def test_what_a_gateway_says_is_neither_markup_nor_a_command() -> None:
    text = "[bold red]HALT[/] \x1b[2J\r\nforged"
    notes = [note(1, text)]
    assert "[bold red]HALT[/] [2J forged" in words(drawn(status(notes=notes)))
    for said in (note_line(notes[0]), line(status(reason=text))):
        assert said.isprintable()


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        (State.STOPPED, "algotrade reset-kill --by NAME --reason TEXT"),
        (State.OFFLINE, "IB Gateway or TWS runs and is logged in"),
        (State.DOUBT, "Look at the orders and positions of this symbol in TWS"),
        (State.NO_QUOTES, "live data for these symbols"),
        (State.ENDING, "nothing to do"),
        (State.RECONCILING, "nothing to do"),
        (State.TRADING, "nothing to do"),
    ],
)
def test_it_says_whether_somebody_is_needed_and_what_for(state: State, advice: str) -> None:
    said = words(drawn(status(state=state, reason="PT-06 for a reason")))
    assert said.startswith(state.value)
    assert advice in said
    assert "why PT-06 for a reason" in said


def test_the_answers_come_before_the_details() -> None:
    """On a low terminal the end of the screen is left out: it must be the happenings."""
    said = words(drawn(status(state=State.DOUBT, reason="SPY: unknown order")))
    places = [said.index(text) for text in ("DOUBT", "why SPY", "you Look", "time ", "stop ", "09:30:01")]
    assert places == sorted(places)


def test_no_colour_means_no_control_characters() -> None:
    assert "\x1b" not in drawn(status())
    assert "\x1b[" in drawn(status(), colours=True)


def test_colours_repeat_what_the_words_say() -> None:
    for state, colour in ((State.TRADING, "42"), (State.STOPPED, "41"), (State.NO_QUOTES, "43")):
        assert f"{colour}m {state.value} " in drawn(status(state=state), colours=True)


def test_many_symbols_are_named_by_who_is_silent_longest() -> None:
    ages: dict[str, float | None] = {f"S{number}": number / 10 for number in range(50)}
    ages["S3"] = None
    said = words(drawn(status(quote_ages_s=ages), 100))
    assert "last S3 none yet, S49 4.9 s ago" in said
    assert "42 fresher" in said
    assert "OFI on 50 symbols" in said


def test_an_order_nobody_knows_of_is_said_aloud() -> None:
    assert "1 UNKNOWN" in drawn(status(orders=OrderCounts(working=1, unknown=1)))
    assert "UNKNOWN" not in drawn(status())


def test_a_flat_session_and_a_holding_without_a_price() -> None:
    assert "holds flat" in words(drawn(status(holdings={})))
    assert "holds SPY -3" in words(drawn(status(holdings={"SPY": Holding(-3, None)})))


def test_the_same_in_one_line() -> None:
    assert line(status()) == (
        "2:18:41 / 6:00:00  SIM TRADING  247,157 quotes  1 working, 30 filled, 1 rejected  "
        "result -$30.92 (31% to stop)  +1 SPY"
    )
    assert line(status(state=State.OFFLINE, reason="closed", holdings={})).endswith("flat  [closed]")
    assert note_line(note(7, "order alarm: look", Severity.ERROR)) == "09:30:07 error: order alarm: look"


def test_the_terminal_decides_about_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is the user's word and rich keeps it; nothing of ours writes an escape by itself."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", os.environ.get("TERM", "xterm-256color"))
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    console.print(screen(status(), 80))
    assert isinstance(console.file, io.StringIO)
    assert not any(code in console.file.getvalue() for code in ("[31m", "[32m", "[42m", "[46m"))
