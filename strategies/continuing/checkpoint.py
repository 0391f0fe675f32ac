"""The state from which a run can continue after a round, in one file written atomically."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.errors import UserError
from fog_flower.records.files import write_bytes
from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED
from fog_flower.weights import Weights

_FACTS, _STATE = "facts", "state"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state of a run at the end of a round.

    Attributes
    ----------
    server_round : int
    weights : Weights
        W after that round's merge.
    state : bytes
        The pickled state of the wrapped strategy (``StrategyState``).
    conditions : mapping
        The ``conditions`` of the run; it can continue only under the same.
    problem : str
        Why the run cannot continue; then there is no state. Empty if it can.
    masks : mapping
        The state of the masked groups (``MaskedGroups.take``); empty without masks.
    """

    server_round: int
    weights: Weights
    state: bytes
    conditions: Mapping[str, str]
    problem: str = ""
    masks: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write ``checkpoint.npz``."""
        content = io.BytesIO()
        facts = {
            "round": self.server_round,
            "conditions": dict(self.conditions),
            "problem": self.problem,
            "masks": dict(self.masks),
        }
        np.savez(
            content,
            allow_pickle=False,
            **{_FACTS: np.array(json.dumps(facts)), _STATE: np.frombuffer(self.state, np.uint8)},
            **{f"w{n}": array for n, array in enumerate(self.weights)},
        )
        write_bytes(folder / CHECKPOINT_FILE, content.getvalue())


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read ``checkpoint.npz``; nothing in it is unpickled here.

    Raises
    ------
    UserError
        If the run has finished, or the checkpoint is missing, damaged, or has a ``problem``.
    """
    path = folder / CHECKPOINT_FILE
    if read_run(folder).get("status") == FINISHED:
        raise UserError(f"{folder}: the run has finished: there is nothing to continue")
    if not path.exists():
        raise UserError(
            f"{folder} cannot be continued: it has no {CHECKPOINT_FILE}, which a run has from "
            "its first round to its end, if its artifacts include checkpoint"
        )
    try:
        with np.load(path, allow_pickle=False) as content:
            facts = json.loads(str(content[_FACTS]))
            weights = [content[f"w{n}"] for n in range(len(content.files) - 2)]
            found = Checkpoint(
                facts["round"],
                weights,
                content[_STATE].tobytes(),
                facts["conditions"],
                facts["problem"],
                facts["masks"],
            )
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged ({error}): start the run again") from error
    if found.problem:
        raise UserError(f"{folder} cannot be continued: {found.problem}; start the run again")
    return found
