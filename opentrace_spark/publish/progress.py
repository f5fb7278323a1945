"""Progress of a run on a terminal: the step at work, then its rows and seconds."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress as Bar,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from opentrace_spark.run import Progress

_Shown = TypeVar("_Shown", bound="_OnTerminal")


class _OnTerminal:
    """A context manager that shows columns of progress; silent where the console is no terminal."""

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._console = console
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)

    def __enter__(self: _Shown) -> _Shown:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()


class TerminalProgress(_OnTerminal):
    """Shows each step while it runs and leaves a line when it is done."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console, SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        )
        self._task = self._bar.add_task("", total=None)

    def started(self, step: str, place: int, steps: int) -> None:
        """Show the step at work."""
        self._bar.reset(self._task, description=f"{place:>2}/{steps} {step}")

    def finished(self, step: str, rows: int, seconds: float) -> None:
        """Leave a line with what the step stored."""
        if self._console.is_terminal:
            self._console.print(
                f"   {step:<24} {rows:>12,} rows {seconds:>8.1f} s", highlight=False
            )

    def unchanged(self, step: str, rows: int) -> None:
        """Leave a line that says so."""
        if self._console.is_terminal:
            self._console.print(f"   {step:<24} {rows:>12,} rows  unchanged", highlight=False)

    def counted(self, stage: str, done: int, total: int) -> None:
        """Show how far a counted piece of work is, for example the generator's weeks."""
        self._bar.update(self._task, description=f"{stage}: {done:,} of {total:,}")


class SharedProgress:
    """Tells several of a run's steps: who shows them, who keeps them."""

    def __init__(self, *parts: Progress) -> None:
        self._parts = parts

    def started(self, step: str, place: int, steps: int) -> None:
        """Tell all that a step begins."""
        for part in self._parts:
            part.started(step, place, steps)

    def finished(self, step: str, rows: int, seconds: float) -> None:
        """Tell all that a step's table is stored aside."""
        for part in self._parts:
            part.finished(step, rows, seconds)

    def unchanged(self, step: str, rows: int) -> None:
        """Tell all that a step's table is there already."""
        for part in self._parts:
            part.unchanged(step, rows)


class TerminalBar(_OnTerminal):
    """A bar with what is left of a long counted piece of work, for example a download."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console,
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of about {task.total:,.0f}, left"),
            TimeRemainingColumn(),
        )
        self._tasks: dict[str, TaskID] = {}

    def counted(self, what: str, done: int, total: int) -> None:
        """Show how far a piece of work is; what was done before the first call took no time."""
        if what not in self._tasks:
            for task in self._tasks.values():
                self._bar.remove_task(task)
            self._tasks = {what: self._bar.add_task(what, total=total, completed=done)}
        self._bar.update(self._tasks[what], completed=done, total=total)
