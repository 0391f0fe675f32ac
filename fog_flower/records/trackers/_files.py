"""The files of a run's folder that a tracker saves besides its figures."""

from pathlib import Path

_NAMES = ("run.json", "rounds.csv", "updates.csv", "curves.png", "traceback.txt")


def files_to_keep(folder: Path) -> list[Path]:
    """Return the existing files to save; the model is left out, because it may be large."""
    return [folder / name for name in _NAMES if (folder / name).is_file()]
