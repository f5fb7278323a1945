"""Paragraphs, tables and numbers, for a terminal and for a file.

Names are data: nothing in them is read as markup, and what can't be printed is shown escaped.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

_UNWRAPPED = 10_000
_MOST_DIGITS = 9


def stdout() -> Console:
    """Standard output; as wide as it needs where it is no terminal."""
    width = None if sys.stdout.isatty() else _UNWRAPPED
    return Console(width=width, markup=False, emoji=False, highlight=False)


class Page:
    """Prints paragraphs with a label, and tables of at most `top` rows."""

    def __init__(self, console: Console, top: int) -> None:
        self._console, self.top = console, top
        self._shown: dict[Any, str] = {}

    def line(self, label: str, text: str) -> None:
        """A line that is never cut."""
        self._console.print(f"{label:<10} {plain(text)}".rstrip(), soft_wrap=True)

    def lines(self, label: str, texts: Iterable[str]) -> None:
        """Lines under one label."""
        for number, text in enumerate(texts):
            self.line("" if number else label, text)

    def sentence(self, text: str) -> None:
        """A line of its own."""
        self._console.print()
        self._console.print(text, soft_wrap=True)

    def names(self, names: Sequence[Any]) -> str:
        """The first names, and how many more there are."""
        more = f" and {len(names) - self.top:,} more" if len(names) > self.top else ""
        return ", ".join(str(name) for name in names[: self.top]) + more

    def table(
        self,
        title: str,
        headings: str,
        rows: Sequence[Sequence[str]],
        total: int = 0,
        whole: bool = False,
    ) -> None:
        """A table; headings are separated by `|`, those that begin with `<` stand left.

        `total`, where it is more than the rows given, says how many there are; `whole`: show all.
        """
        shown = len(rows) if whole else self.top
        total = total or len(rows)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in headings.split("|"):
            left = heading.startswith("<")
            table.add_column(
                heading.removeprefix("<"),
                justify="left" if left else "right",
                no_wrap=not left,
                overflow="fold",
            )
        for row in rows[:shown]:
            table.add_row(*(plain(cell) for cell in row))
        self._console.print()
        self._console.print(plain(title), style="bold", soft_wrap=True)
        before = self._shown.setdefault((headings, *map(tuple, rows)), title)
        if before != title:
            earlier = before.partition(":")[0]
            self._console.print(plain(f"the same changes as in: {earlier}"), soft_wrap=True)
            return
        self._console.print(table)
        if total > shown:
            self._console.print(f"and {total - shown:,} more (--top {total})")


def plain(text: str) -> str:
    """The text with what a terminal would not print, or obey, as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def number(value: float | None, digits: int = 0) -> str:
    """A number with separators; a dash for null."""
    return "-" if value is None else f"{value:,.{digits}f}"


def digits_for(change: float | None, digits: int) -> int:
    """Decimals that show a change: `digits`, or as many more as it takes to see two figures."""
    if not change:
        return digits
    return min(max(digits, 1 - math.floor(math.log10(abs(change)))), _MOST_DIGITS)


def signed(value: float | None, digits: int = 0, unit: str = "") -> str:
    """A change with its sign, never shown as 0 where it is none; a dash for null."""
    if value is None:
        return "-"
    text = f"{value:+,.{digits}f}"
    is_lost = bool(value) and not any(digit in text for digit in "123456789")
    return f"{value:+.0e}{unit}" if is_lost else f"{text}{unit}"
