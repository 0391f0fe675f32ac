"""A terminal that prints text literally, because names, paths and causes are foreign text."""

from typing import IO, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from simulations.visible import visible


class Terminal(Console):
    """A Rich console without markup, emoji codes and automatic highlighting.

    Each printed text or table cell is one line without control sequences. Use ``styled`` for
    colour.
    """

    def __init__(self, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text as it is shown, with ``visible`` applied."""
        return super().render_str(visible(text), **options)

    def say(self, text: str) -> None:
        """Print a line without wrapping, so that paths in it can be copied."""
        self.print(text, soft_wrap=True)


terminal = Terminal()  # of all commands


class Words(ProgressColumn):
    """A progress column with the description of a task, without markup."""

    def render(self, task: Task) -> Text:
        """Return the description."""
        return Text(visible(task.description))


def styled(text: str, style: str) -> Text:
    """Return text in a style, without interpreting markup."""
    return Text(visible(text), style)


def progress_bar(terminal: Terminal, unit: str, *, transient: bool = False) -> Progress:
    """Return a bar that counts ``unit``; it is only shown in a terminal, not in a log."""
    return Progress(
        TextColumn(unit, style="bold", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Words(),
        console=terminal,
        disable=not terminal.is_terminal,
        transient=transient,
    )


class Display:
    """A bar that counts ``unit`` during a ``with`` block; subclasses update it, or print lines."""

    def __init__(self, terminal: Terminal, unit: str) -> None:
        self._terminal = terminal
        self._bar = progress_bar(terminal, unit)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
