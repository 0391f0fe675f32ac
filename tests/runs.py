"""Whole runs in one process, for tests, with the real ServerApp, strategy and ClientApp."""

import contextlib
import csv
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from clients.client_app import app as client_app
from fog_flower.config import RunConfig
from fog_flower.records.recorder import RunRecorder
from simulations.engines.inline_engine import run_inline
from strategies.server_app import app as server_app

_run_ids = itertools.count(1)


def run_here(config: RunConfig) -> Path:
    """Run ``config`` in this process and return its folder."""
    # A new id, because earlier runs of this session may have left node data in the scratch folder.
    run_inline(server_app, client_app, config, run_id=next(_run_ids))
    return Path(config.results_dir) / config.run_name


@contextlib.contextmanager
def ending_in_round(server_round: int, error: BaseException) -> Iterator[None]:
    """Make runs raise ``error`` before they record this round, or the first one after it."""
    record_round = RunRecorder.record_round

    def end(self, report, cloud):
        if report.server_round >= server_round:
            raise error
        record_round(self, report, cloud)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RunRecorder, "record_round", end)
        yield


def rounds(folder: Path) -> list[dict[str, str]]:
    return _rows(folder / "rounds.csv")


def updates(folder: Path) -> list[dict[str, str]]:
    return _rows(folder / "updates.csv")


def who_trained(folder: Path) -> list[tuple[str, str]]:
    """Return round and fog node of each update, in order."""
    return [(row["round"], row["fog_node"]) for row in updates(folder)]


def figures(folder: Path) -> list[dict[str, str]]:
    """Return the rows of ``rounds.csv`` without timings."""
    return [
        {key: value for key, value in row.items() if not key.endswith("seconds")}
        for row in rounds(folder)
    ]


def column(folder: Path, name: str) -> list[float]:
    return [float(row[name]) for row in rounds(folder)[1:]]


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text())


def weights(folder: Path) -> list[np.ndarray]:
    return keras.models.load_model(folder / "model.keras", compile=False).get_weights()


def assert_equal_weights(one: Path, other: Path) -> None:
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
