"""Data sources, one file each: a function from a ``Request`` to a ``Dataset``.

``dataset-args`` are its keyword arguments.
"""

from pathlib import Path

from fog_flower.errors import UserError
from fog_flower.named import Catalogue

SOURCES = Catalogue(__name__, "dataset", own="module:function, npz:PATH or hf:/FOLDER")


def unknown_dataset(text: str) -> UserError:
    """Return the error for a data set that is no name; for a path it says how to write it."""
    path = Path(text).expanduser()
    if path.suffix == ".py":
        return SOURCES.unknown(text)
    if path.suffix == ".npz":
        return UserError(f"dataset={text!r}: a file of arrays is dataset=npz:{text}")
    if path.is_file():
        return UserError(
            f"dataset={text!r}: is a file; arrays are dataset=npz:FILE.npz; for csv, parquet or "
            f"json name the folder: dataset=hf:{path.absolute().parent}"
        )
    if path.is_dir():
        return UserError(f"dataset={text!r}: a folder of files is dataset=hf:{path.absolute()}")
    if "/" in text:
        return UserError(
            f"dataset={text!r}: there is no such file or folder; files are dataset=npz:FILE.npz, "
            "and folders dataset=hf:/FOLDER"
        )
    return SOURCES.unknown(text)
