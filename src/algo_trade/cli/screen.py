"""The one screen of a running session: is it trading, is it safe, does it need me.

    TRADING  SIM  OFI on SPY QQQ IWM                          11:48:41 New York
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
       you  nothing to do
      time  2:18:41 of 6:00:00, 3:41:19 left
    result  -$30.92 = -$0.92 trading - $30.00 commission
      stop  ━━━━━━━━╸━━━━━━━━━━━━━━━━━━━  31 % of the way to -$100.00
    orders  1 working, 30 filled, 0 cancelled, 0 rejected, 0 refused
     holds  SPY +1 ($574.40)
    quotes  last SPY 0.1 s ago, QQQ 0.2 s ago, IWM 0.0 s ago; 247,157 in all
  11:47:02  gateway error 201: Order rejected

Colour repeats what the words say. A narrow terminal breaks lines under their labels; where a low one has no room for
all of them the latest happenings are left out, never the answer to the three questions.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from algo_trade.clock import new_york
from algo_trade.contracts import Severity
from algo_trade.session.progress import Money, Note, OrderCounts, State, Status

_COLOURS = {
    State.STOPPED: "red",
    State.ENDING: "yellow",
    State.OFFLINE: "red",
    State.RECONCILING: "yellow",
    State.DOUBT: "red",
    State.NO_QUOTES: "yellow",
    State.TRADING: "green",
}
_NOTE_STYLES = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
_STOP_BAR = 28
# With a state, a result, orders and advice a screen has some ten lines; a terminal has 24.
_NOTES = 4
# A quote older than this is marked: risk refuses orders on it.
_OLD_QUOTE_S = 2.0
_UNHEARD_S = 1e9
# Named one by one; of more symbols than these, those with the oldest quotes.
_SYMBOLS = 8


def screen(status: Status, width: int) -> RenderableType:
    """What to draw on a terminal of so many columns."""
    rows = Table.grid(padding=(0, 2, 0, 0), expand=True)
    rows.add_column(justify="right", style="dim", no_wrap=True)
    rows.add_column(ratio=1, overflow="fold")
    if status.reason:
        rows.add_row("why", Text(printable(status.reason), style=_COLOURS[status.state]))
    advice = status.advice
    rows.add_row("you", Text(advice, style="bold") if advice else Text("nothing to do", style="green"))
    left_s = max(0.0, status.duration_s - status.elapsed_s)
    rows.add_row("time", f"{clock(status.elapsed_s)} of {clock(status.duration_s)}, {clock(left_s)} left")
    rows.add_row("result", _result(status.money))
    rows.add_row("stop", _stop(status.money, width))
    rows.add_row("orders", _orders(status.orders))
    rows.add_row("holds", _holdings(status))
    rows.add_row("quotes", _quotes(status))
    for note in list(status.notes)[-_NOTES:]:
        rows.add_row(
            f"{new_york(note.at_ns):%H:%M:%S}", Text(printable(note.text), style=_NOTE_STYLES[note.severity])
        )
    done = Table.grid(expand=True)
    done.add_row(
        ProgressBar(total=max(status.duration_s, 1e-9), completed=status.elapsed_s, complete_style="cyan")
    )
    return Group(*_head(status, width), done, rows)


def _head(status: Status, width: int) -> Sequence[RenderableType]:
    """State, badge, strategy and clock on one line where they fit, else on two."""
    colour = _COLOURS[status.state]
    badge = (
        "black on cyan"
        if status.mode == "SIM"
        else "black on yellow"
        if status.mode == "PAPER"
        else "white on red"
    )
    left = Text.assemble(
        (f" {status.state.value} ", f"bold black on {colour}" if colour != "red" else "bold white on red"),
        " ",
        (f" {status.mode} ", badge),
    )
    now = Text(f"{new_york(status.now_ns):%H:%M:%S} New York")
    symbols = list(status.quote_ages_s)
    named = " ".join(symbols) if len(symbols) <= _SYMBOLS else f"{len(symbols)} symbols"
    what = Text(f" {status.strategy} on {named}" if status.strategy else "")
    whole = Text.assemble(left, what)
    room = width - cell_len(whole.plain) - cell_len(now.plain)
    if room >= 1:
        return [Text.assemble(whole, " " * room, now)]
    room = width - cell_len(left.plain) - cell_len(now.plain)
    first = Text.assemble(left, " " * max(1, room), now)
    return [first, Text(what.plain.strip())] if what.plain else [first]


def _result(money: Money) -> Text:
    colour = "red" if money.total < 0 else "green"
    return Text.assemble(
        (dollars(money.total), f"bold {colour}"),
        f" = {dollars(money.trading)} trading - {dollars(money.commission)} commission",
    )


def _stop(money: Money, width: int) -> RenderableType:
    """The way gone to the nearer of the two stops."""
    words = f"{money.to_stop:.0%} of the way to the stop at {dollars(money.stop)}"
    room = width - cell_len(words) - 12
    if room < _STOP_BAR // 2:
        return Text(words)
    colour = "red" if money.to_stop >= 0.8 else "yellow" if money.to_stop >= 0.5 else "green"
    bar = Table.grid(padding=(0, 2, 0, 0))
    drawn = ProgressBar(
        total=1.0,
        completed=money.to_stop,
        width=min(_STOP_BAR, room),
        complete_style=colour,
        finished_style="red",
    )
    bar.add_row(drawn, words)
    return bar


def _orders(orders: OrderCounts) -> Text:
    text = Text(f"{orders.working} working, {orders.filled} filled, {orders.cancelled} cancelled, ")
    text.append(f"{orders.rejected} rejected", style="yellow" if orders.rejected else "")
    text.append(f", {orders.refused} refused")
    if orders.unknown:
        text.append(f", {orders.unknown} UNKNOWN", style="bold red")
    return text


def _holdings(status: Status) -> Text:
    held = [
        f"{symbol} {holding.shares:+,}" + ("" if holding.worth is None else f" ({dollars(holding.worth)})")
        for symbol, holding in status.holdings.items()
    ]
    return Text(", ".join(held) or "flat")


def _quotes(status: Status) -> Text:
    """How old each symbol's newest quote is; where there are too many to name, of those with the oldest."""
    ages_s = dict(status.quote_ages_s)
    if len(ages_s) > _SYMBOLS:
        oldest = sorted(
            ages_s, key=lambda symbol: -_UNHEARD_S if ages_s[symbol] is None else -(ages_s[symbol] or 0)
        )
        ages_s = {symbol: ages_s[symbol] for symbol in oldest[:_SYMBOLS]}
    text = Text("last ")
    for number, (symbol, age_s) in enumerate(ages_s.items()):
        old = age_s is None or age_s > _OLD_QUOTE_S
        words = f"{symbol} none yet" if age_s is None else f"{symbol} {_age(age_s)} ago"
        text.append(", " if number else "").append(words, style="yellow" if old else "")
    fresher = len(status.quote_ages_s) - len(ages_s)
    text.append(f", {fresher} fresher" if fresher else "")
    return text.append(f"; {status.ticks:,} in all")


def _age(seconds: float) -> str:
    return f"{max(0.0, seconds):.1f} s" if seconds < 10 else clock(seconds)


def dollars(value: float) -> str:
    """Dollars and cents with the sign in front."""
    return f"{'-' if round(value, 2) < 0 else ''}${abs(value):,.2f}"


def clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def line(status: Status) -> str:
    """The same in one line of plain text, for files and pipes."""
    held = " ".join(f"{holding.shares:+d} {symbol}" for symbol, holding in status.holdings.items()) or "flat"
    orders = status.orders
    text = (
        f"{clock(status.elapsed_s)} / {clock(status.duration_s)}  {status.mode} {status.state.value}  "
        f"{status.ticks:,} quotes  {orders.working} working, {orders.filled} filled, {orders.rejected} rejected  "
        f"result {dollars(status.money.total)} ({status.money.to_stop:.0%} to stop)  {held}"
    )
    return f"{text}  [{printable(status.reason)}]" if status.reason else text


def note_line(note: Note) -> str:
    """One note in one line of plain text."""
    return f"{new_york(note.at_ns):%H:%M:%S} {note.severity.value.lower()}: {printable(note.text)}"


def printable(text: str) -> str:
    """What a gateway says is shown, never obeyed: a control character becomes a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
