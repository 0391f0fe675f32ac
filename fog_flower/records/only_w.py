"""What trackers get of a run that promises to hide whether a fog node took part: figures of W."""

import math
from collections.abc import Mapping
from typing import Any

from fog_flower.records.columns import ROUND_COLUMNS

ONLY_W = "trackers_get_only_w"  # among the facts that a tracker is given
_ROUND, _NOTE = "round", "note"
_OF_W = ("cloud_validation_", "test_", "backdoor_success")
_OF_NODES = ("nodes", "shared_examples")  # in run.json, and in its "data"


def facts_of_w(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a run without those of its fog nodes, marked with ``ONLY_W``."""
    kept = {name: value for name, value in facts.items() if name not in _OF_NODES}
    data = {name: value for name, value in facts.get("data", {}).items() if name not in _OF_NODES}
    return {**kept, "data": data, ONLY_W: True}


def row_of_w(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``rounds.csv`` with what is computed from W; the rest is NaN.

    The means over fog nodes, how many updates arrived and how long they took would tell of one.
    """
    kept = {n: v for n, v in row.items() if n == _ROUND or n.startswith(_OF_W)}
    return {**dict.fromkeys(ROUND_COLUMNS, math.nan), _NOTE: "", **kept}
