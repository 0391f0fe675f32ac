"""Progress of rendering images: a bar in a terminal, a line per tenth in a log."""

import contextlib
from collections.abc import Iterator

from fog_flower.data.dataset import Progress
from simulations.cli.terminal import Terminal, progress_bar

TENTHS = 10


@contextlib.contextmanager
def drawing(terminal: Terminal) -> Iterator[Progress]:
    """Yield a callable that shows progress, given (done, total); nothing is shown before a call."""
    if not terminal.is_terminal:
        yield DrawingLines(terminal)
        return
    with progress_bar(terminal, "drawing digits", transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


class DrawingLines:
    """Prints a line for each tenth of the images in a log; nothing in a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._tenth = -1

    def __call__(self, done: int, total: int) -> None:
        """Print a line if another tenth is done."""
        tenth = TENTHS * done // total
        if tenth > self._tenth and not self._terminal.is_terminal:
            self._tenth = tenth
            self._terminal.say(f"drawing digits: {done:,} of {total:,}")
