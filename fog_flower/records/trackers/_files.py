"""The files of a run's folder that a tracker saves besides its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.records.only_w import ONLY_W

_NAMES = ("run.json", "rounds.csv", "updates.csv", "curves.png", "traceback.txt")


def files_to_keep(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """Return the existing files to save; the model is left out, because it may be large.

    All of them tell of fog nodes, so there are none if the tracker is to get figures of W only.
    """
    if ONLY_W in facts:
        return []
    return [folder / name for name in _NAMES if (folder / name).is_file()]
