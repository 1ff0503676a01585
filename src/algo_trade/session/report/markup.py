"""Small pieces of HTML. Text given as text is escaped here; parts given as markup are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def section(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{''.join(parts)}\n</section>"


def bullets(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Any]], *, text_columns: int) -> str:
    """The first `text_columns` columns are text, the others numbers."""

    def style(column: int) -> str:
        return "" if column < text_columns else ' class="n"'

    head = "".join(
        f'<th scope="col"{style(column)}>{escape(name)}</th>' for column, name in enumerate(header)
    )
    body = "".join(
        f"<tr>{''.join(f'<td{style(column)}>{escape(_cell(value))}</td>' for column, value in enumerate(row))}</tr>"
        for row in rows
    )
    told = escape(caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{told}"><table><caption>{told}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
