"""TensorBoard event files, with which the paper followed its runs (``trackers=tensorboard``)."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class TensorBoard:
    """Writes each round's figures as scalars, below ``tensorboard`` in the run's folder.

    ``cloud`` has the columns of ``rounds.csv``, ``fog-node-N`` that node's training and local
    validation figures, as runs of their own, so that TensorBoard draws them into one plot.
    """

    def __init__(self) -> None:
        self._writers: dict[str, Any] = {}

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Take the run's folder."""
        self._folder = folder / FOLDER

    def end(self, status: str) -> None:  # noqa: ARG002
        """Close the files."""
        for writer in self._writers.values():
            writer.close()

    def log(self, row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> None:
        """Write one round: its row of ``rounds.csv`` and its rows of ``updates.csv``."""
        server_round = int(row["round"])
        self._write("cloud", server_round, row)
        for update in updates:
            figures = {
                "train_loss": update["train_loss"],
                "train_accuracy": update["train_accuracy"],
                "local_validation_loss": update["loss_alone"],
                "local_validation_accuracy": update["accuracy_alone"],
            }
            self._write(f"fog-node-{update['fog_node']}", server_round, figures)

    def _write(self, name: str, step: int, figures: Mapping[str, Any]) -> None:
        import tensorflow as tf  # noqa: PLC0415  (the cloud has loaded it)

        if name not in self._writers:
            self._writers[name] = tf.summary.create_file_writer(str(self._folder / name))
        writer = self._writers[name]
        with writer.as_default():
            for figure, value in figures.items():
                if figure != "round" and isinstance(value, int | float) and math.isfinite(value):
                    tf.summary.scalar(figure, value, step=step)
        writer.flush()  # after every round, so that one can watch
