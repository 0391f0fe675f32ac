"""A user's files whose names clash with our packages and with libraries."""

from pathlib import Path

# They would hide the real ones in a folder that comes first on Python's path.
CLASHES = ("strategies/__init__.py", "clients.py", "simulations/__init__.py", "ray.py", "numpy.py")


def make_clashes(folder: Path) -> Path:
    for name in CLASHES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise RuntimeError('the user has named something so')\n")
    return folder
