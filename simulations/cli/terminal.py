"""The terminal: it shows text as it is, because names, paths and causes are not ours."""

from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from simulations.visible import visible


class Terminal(Console):
    """A Rich console without markup, emoji codes and guesses at what to colour.

    What is printed or stands in a table is one line a piece, and holds no command to the terminal;
    ``styled`` is for colour.
    """

    def __init__(self, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a piece of text as it is shown."""
        return super().render_str(visible(text), **options)

    def say(self, text: str) -> None:
        """Print a line that is not broken, so that paths in it can be copied."""
        self.print(text, soft_wrap=True)


class Words(ProgressColumn):
    """The description of a task, as it is."""

    def render(self, task: Task) -> Text:
        """Return it."""
        return Text(visible(task.description))


def styled(text: str, style: str) -> Text:
    """Return text in a style, as it is."""
    return Text(visible(text), style)


def progress_bar(terminal: Terminal, unit: str, *, transient: bool = False) -> Progress:
    """Return a bar that counts ``unit``; it is shown in a terminal alone, not in a log."""
    return Progress(
        TextColumn(unit, style="bold", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Words(),
        console=terminal,
        disable=not terminal.is_terminal,
        transient=transient,
    )
