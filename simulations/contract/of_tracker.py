"""The contract of a tracker."""

import copy
import functools
import tempfile
from pathlib import Path
from typing import Any

from fog_flower.config import RunConfig
from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.trackers import build_tracker
from simulations.contract.finding import BrokenContractError, Checks


def checks(config: RunConfig) -> Checks:
    """Return the checks of the trackers that ``config`` names."""

    def follows(status: str) -> None:
        for name in config.trackers:
            tracker, facts = build_tracker(name), _facts(config)
            with tempfile.TemporaryDirectory() as folder:
                given = copy.deepcopy(facts)
                tracker.start(Path(folder), given)
                for number in range(3):
                    row, updates = _row(number), [_update(number, fog) for fog in range(2)]
                    tracker.log(row, updates if number else [])
                    if row != _row(number):
                        raise BrokenContractError("it changed a round's row in place")
                tracker.end(status)
                if given != facts:
                    raise BrokenContractError("it changed the facts in place")

    return {
        f"follows a run that is {status}": functools.partial(follows, status)
        for status in ("finished", "failed", "interrupted")
    }


def _facts(config: RunConfig) -> dict[str, Any]:
    return {
        "config": config.to_run_config(),
        "data": {"name": "made-up", "sha256": "0" * 64, "train_examples": 120},
        "nodes": {"num_examples": [40] * config.fog_nodes},
        "model_parameters": 100,
        "seed": config.seed,
        "versions": {},
        "hardware": {},
    }


def _row(number: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(ROUND_COLUMNS, 0.5)
    return row | {"round": number, "accepted": 2, "rejected": 0, "note": "", "train_loss": 1.0}


def _update(number: int, fog_node: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(UPDATE_COLUMNS, 0.5)
    return row | {"round": number, "fog_node": fog_node, "accepted": True, "reason": "accepted"}
