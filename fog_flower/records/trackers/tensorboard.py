"""Writes TensorBoard event files, as in the paper (``trackers=tensorboard``)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.extras import TRACKING, require
from fog_flower.records.trackers._figures import of_cloud, of_nodes

FOLDER = "tensorboard"


class TensorBoard:
    """Writes each round's figures as scalars, in ``tensorboard`` of the run's folder.

    ``cloud`` has the columns of ``rounds.csv``, and ``fog-node-N`` that node's training and local
    validation figures. They are separate TensorBoard runs, so that one plot shows them all.
    """

    def __init__(self) -> None:
        require("trackers='tensorboard'", "tensorboard", extra=TRACKING)
        self._writers: dict[str, Any] = {}

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Set the folder for the event files."""
        self._folder = folder / FOLDER

    def log(self, row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> None:
        """Write one round: its row of ``rounds.csv`` and its rows of ``updates.csv``."""
        server_round = int(row["round"])
        self._write("cloud", server_round, of_cloud(row))
        for node, figures in of_nodes(updates):
            self._write(node, server_round, figures)

    def end(self, status: str) -> None:  # noqa: ARG002
        """Close the files."""
        for writer in self._writers.values():
            writer.close()

    def _write(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        import tensorflow as tf  # noqa: PLC0415  (the cloud has loaded it)

        if name not in self._writers:
            self._writers[name] = tf.summary.create_file_writer(str(self._folder / name))
        writer = self._writers[name]
        with writer.as_default():
            for figure, value in figures.items():
                tf.summary.scalar(figure, value, step=step)
        writer.flush()  # after every round, so that users can watch
