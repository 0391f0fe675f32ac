"""Counts what a continued run releases again, and notes it for the next one."""

import contextlib
from collections.abc import Iterator
from logging import WARNING
from pathlib import Path

from flwr.common import log

from fog_flower.config import ENTROPY, RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.records.reading import read_run
from strategies.continuing.checkpoint import read_checkpoint
from strategies.continuing.starts import Start, Tree, note, start_in, tree_of


class Continuation:
    """The start of a run: what it releases again, and the notes of what it trains itself.

    Attributes
    ----------
    repeats : Repeats
        What the run releases again; without ``continue-from``, nothing.
    """

    def __init__(self, repeats: Repeats = ONCE) -> None:
        self.repeats = repeats

    def begin(self) -> None:
        """Say that the rounds begin now, in the run's folder."""


class _Noted(Continuation):
    """One with ``noise-source=entropy``, which draws noise that no other start draws."""

    def __init__(self, start: Start, tree: Tree, repeats: Repeats) -> None:
        super().__init__(repeats)
        self._start, self._tree, self._begun = start, tree, False

    def note(self) -> None:
        """Note this start and all others in all folders of the tree."""
        for folder in self._tree.folders:
            try:
                self._keep_in(folder)
            except (OSError, UserError) as error:
                log(WARNING, "%s does not say that this run continues it: %s", folder, error)

    def begin(self) -> None:
        """Note all starts in the folder of this run, too."""
        self._begun = True
        self._keep_in(self._start.folder)

    def end(self) -> None:
        """Lower the note of this start to the rounds that it has trained."""
        folder = self._start.folder
        if not self._begun:
            made = Start(self._start.run, folder, 0, known=True)
        elif record := read_run(folder):
            made = start_in(folder, record)
        else:
            return  # somebody moved it: the note of its start holds
        for place in (*self._tree.folders, *([folder] if self._begun else [])):
            with contextlib.suppress(OSError, UserError):  # there, the higher note holds
                note(made, place)

    def _keep_in(self, folder: Path) -> None:
        for one in (*self._tree.starts, self._start):
            note(one, folder)


@contextlib.contextmanager
def continuation(config: RunConfig, folder: Path, run_id: int) -> Iterator[Continuation]:
    """Count what a run releases again, and note in the runs of its tree that it does.

    The note is written before anything is drawn, and says that all rounds left are trained. It is
    lowered when the block ends, or by the next run that can read the records of this one.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Of the run, which need not exist yet.
    run_id : int
        Flower's.

    Raises
    ------
    UserError
        If the checkpoint of the run that ``continue-from`` names cannot be read, or nothing can be
        noted in its folder.
    """
    continued = config.continue_from
    if continued is None or not read_run(continued):  # ``read_stopped`` refuses the latter
        yield Continuation()
        return
    kept = read_checkpoint(continued).server_round
    if config.noise_source != ENTROPY:
        yield Continuation(_repeats(tree_of(continued), kept))
        return
    start = Start(str(run_id), folder, config.num_server_rounds - kept, known=False)
    _note_first(start, continued)  # of two that begin at once, one at least sees the other
    tree = tree_of(continued).without(start)
    noted = _Noted(start, tree, _repeats(tree, kept))
    noted.note()
    try:
        yield noted
    finally:
        noted.end()


def _note_first(start: Start, continued: Path) -> None:
    try:
        note(start, continued)
    except (OSError, UserError) as error:
        raise UserError(
            f"continue-from={str(continued)!r}: that it is continued must be noted in it, for the "
            f"privacy ledger of later runs, and cannot be ({error}); make it writable, or copy it"
        ) from error


def _repeats(tree: Tree, kept: int) -> Repeats:
    """Return what a run releases again that goes on after round ``kept``.

    All rounds that others trained count, but for those before ``kept``, which are the run's own.
    """
    return Repeats(
        1 + sum(one.starts for one in tree.starts),
        max(sum(one.rounds for one in tree.starts) - kept, 0),
        sum(one.starts for one in tree.starts if not one.known),
    )
