"""Results of a long audit's steps, kept until the audit is recorded."""

import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.records.files import write_bytes, write_json
from fog_flower.records.same_run import PLACES
from simulations.audits.other_code import ATTACKS, attacks_here

Arrays = dict[str, npt.NDArray[Any]]
_IDENTITY = "made-with.json"


class KeptSteps:
    """Makes the steps of an audit, or reads those that a stopped audit made.

    Steps are files in a hidden folder below ``--out``. Those that were made with other settings,
    data, code or libraries are removed first. A step must not depend on whether another was made or
    read: it draws from a generator of its own. What is drawn from the system's entropy and is used
    by several steps must be a step, too.

    Parameters
    ----------
    name : str
        Name of the audit.
    config : RunConfig
    folder : Path
        Existing folder of the audit's findings.
    sizes : int
        Whatever else determines the steps, for example their number.
    """

    def __init__(self, name: str, config: RunConfig, folder: Path, *sizes: int) -> None:
        from strategies.continuing.conditions import conditions  # noqa: PLC0415  (TensorFlow)

        self._folder = _folder_of(name, folder)
        settings = {k: v for k, v in config.to_run_config().items() if k not in PLACES}
        identity = {
            "config": settings,
            "sizes": list(sizes),
            ATTACKS: attacks_here(),
            **conditions(config, prepare_field(config).dataset.sha256),
        }
        path = self._folder / _IDENTITY
        if not path.exists() or json.loads(path.read_text()) != identity:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir()
            write_json(path, identity)

    def __call__(self, step: str, make: Callable[[], Arrays]) -> Arrays:
        """Return the arrays of a step, and keep them if they have to be made."""
        path = self._folder / f"{step}.npz"
        if path.exists():
            with np.load(path) as kept:
                return dict(kept)
        made, file = make(), io.BytesIO()
        np.savez(file, allow_pickle=False, **made)
        write_bytes(path, file.getvalue())
        return made

    def number(self, steps: Sequence[str]) -> int:
        """Return how many of these steps are kept."""
        return sum((self._folder / f"{step}.npz").exists() for step in steps)


def forget_steps(name: str, folder: Path) -> None:
    """Remove the kept steps of an audit whose findings are recorded."""
    shutil.rmtree(_folder_of(name, folder), ignore_errors=True)


def _folder_of(name: str, folder: Path) -> Path:
    return folder / f".{name}"
