"""Logs to Weights & Biases (``trackers=wandb``), offline unless the user sets another mode."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from fog_flower.extras import TRACKING, require
from fog_flower.records.trackers._figures import of_round
from fog_flower.records.trackers._files import files_to_keep

PROJECT = "fog-flower"
MODE, OFFLINE = "WANDB_MODE", "offline"


class WandB:
    """Logs a run to Weights & Biases, in ``wandb`` of the run's folder.

    Nothing leaves the machine unless ``WANDB_MODE=online`` is in the environment; ``wandb sync``
    uploads the logs later. W&B's own variables set entity, group, tags and so on.
    """

    def __init__(self) -> None:
        require("trackers='wandb'", "wandb", extra=TRACKING)

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Begin a run of the same name, with the configuration and all facts of ``run.json``."""
        mode = os.environ.get(MODE) or OFFLINE
        if mode == OFFLINE:  # W&B reports its own errors over the network, and reads this on import
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb  # noqa: PLC0415  (2 s)

        others = {name: value for name, value in facts.items() if name != "config"}
        self._folder, self._facts = folder, facts
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=folder.name,
            dir=str(folder),
            mode=cast("Any", mode),  # W&B checks it
            config={**facts["config"], **others},
            # Flower copies the output itself, and the user may have another run open.
            settings=wandb.Settings(silent=True, console="off", reinit="create_new"),
        )

    def log(self, row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> None:
        """Log one round, with its number as W&B's step."""
        self._run.log(of_round(row, updates), step=int(row["round"]))

    def end(self, status: str) -> None:
        """Save the run's tables and plot, and end W&B's run with the run's status."""
        for path in files_to_keep(self._folder, self._facts):
            copy = Path(self._run.dir) / path.name
            shutil.copyfile(path, copy)
            self._run.save(str(copy), base_path=self._run.dir, policy="end")
        self._run.summary["status"] = status
        self._run.finish(exit_code=0 if status == "finished" else 1)
