"""Small pieces of HTML. Text given as text is escaped here; parts given as markup are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

# A page with more rows than these helps nobody; report.json has them all.
MOST_ROWS = 500

_NUMBER = ' class="n"'
_SENTENCE = ' class="w"'
_A_LINE = 28  # a text longer than this many characters may be broken; anything shorter is one word to the eye

# Entries of a chart's key: (style, text). A style that is a shape is shown as it is drawn.
Key = Sequence[tuple[str, str]]
_SHAPES = {"buy": "▲", "sell": "▼", "exit": "●"}


def section(ident: str, title: str, *parts: str) -> str:
    return (
        f'<section id="{ident}" aria-labelledby="{ident}-h">\n<h2 id="{ident}-h">{escape(title)}</h2>\n'
        f"{''.join(parts)}\n</section>"
    )


def paragraph(text: str, style: str = "") -> str:
    return f"<p{f' class={chr(34)}{style}{chr(34)}' if style else ''}>{escape(text)}</p>"


def nothing(text: str) -> str:
    """Where a table or a picture would be, had there been anything to show."""
    return paragraph(text, "nothing")


def bullets(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def facts(rows: Iterable[tuple[str, str]], *, short: bool = False) -> str:
    """Names and values, as a description list; short ones stay side by side on a phone."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)
    return f'<dl class="facts{" short" if short else ""}">{cells}</dl>'


def figure(title: str, picture: str, key: Key, summary: str) -> str:
    """A picture with its heading above, and what its lines are and show below."""
    entries = "".join(
        f'<li><span class="{style}" aria-hidden="true">{_SHAPES.get(style, "")}</span>{escape(text)}</li>'
        for style, text in key
    )
    return (
        f"<figure>\n<h3>{escape(title)}</h3>\n{picture}\n"
        f'<figcaption><ul class="key">{entries}</ul><p>{escape(summary)}</p></figcaption>\n</figure>'
    )


def table(
    ident: str,
    caption: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    text_columns: int,
) -> str:
    """The first column names its row, the first `text_columns` are text, the others numbers.

    It scrolls by itself where it is wider or longer than its room, by keyboard too, and never with the page.
    """

    head = "".join(
        f'<th scope="col"{_NUMBER if column >= text_columns else ""}>{escape(name)}</th>'
        for column, name in enumerate(header)
    )
    body = "".join(_row(row, text_columns) for row in rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS} are shown, report.json has all"
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{ident}"><table>'
        f'<caption id="{ident}"><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Any], text_columns: int) -> str:
    cells = []
    for column, value in enumerate(row):
        text = _text(value)
        style = _NUMBER if column >= text_columns else _SENTENCE if len(text) > _A_LINE else ""
        cells.append(
            f'<th scope="row"{style}>{escape(text)}</th>'
            if column == 0
            else f"<td{style}>{escape(text)}</td>"
        )
    return f"<tr>{''.join(cells)}</tr>"


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if value is None or value == "":
        return "–"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
