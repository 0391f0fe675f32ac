"""What is shown while images are drawn: a bar in a terminal, in a log a line for each tenth."""

import contextlib
from collections.abc import Iterator

from fog_flower.data.dataset import Progress
from simulations.cli.terminal import Terminal, progress_bar

TENTHS = 10


@contextlib.contextmanager
def drawing(terminal: Terminal) -> Iterator[Progress]:
    """Give what is called with (done, total) while images are drawn; nothing is shown before."""
    if not terminal.is_terminal:
        yield DrawingLines(terminal)
        return
    with progress_bar(terminal, "drawing digits", transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


class DrawingLines:
    """A line for each tenth of the images, in a log."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._tenth = -1

    def __call__(self, done: int, total: int) -> None:
        """Take (done, total)."""
        tenth = TENTHS * done // total
        if tenth > self._tenth:
            self._tenth = tenth
            self._terminal.say(f"drawing digits: {done:,} of {total:,}")
