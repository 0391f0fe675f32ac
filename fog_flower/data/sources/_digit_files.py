"""Reads SVHN's two arrays, ``X`` and ``y``, from any container that can hold them."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fog_flower.tasks.examples import Array

V5, V73, HDF5, NPZ = "MATLAB v5", "MATLAB v7.3", "HDF5", "npz"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_IMAGE = (32, 32, 3)
_REMEDY = "save X as uint8 [32, 32, 3, n] and y as [n, 1] from 1 to 10 (10 is digit 0)"


class UnreadableError(ValueError):
    """An unreadable file; the message says in one line what is wrong and what to do."""


def read_digits(path: Path) -> tuple[Array, Array, str]:
    """Read one file of cropped digits, without pickle.

    Returns
    -------
    (images, labels, container) : uint8 [n, 32, 32, 3], int64 [n] from 0 to 9, and text
        In this order of axes, whatever the container's is.

    Raises
    ------
    UnreadableError
        If the file is damaged or holds anything else.
    """
    container = container_of(path)
    readers: dict[str, Callable[[Path], dict[str, Any]]] = {
        V5: _from_mat,
        V73: _from_matlab_hdf5,
        HDF5: _from_hdf5,
        NPZ: _from_npz,
    }
    try:
        found = readers[container](path)
    except UnreadableError:
        raise
    except Exception as error:  # SciPy, h5py and zipfile raise many kinds on a damaged file
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        raise UnreadableError(
            f"is a corrupt or truncated {container} file ({reason}): get it again"
        ) from error
    absent = [name for name in ("X", "y") if name not in found]
    if absent:
        others = [name for name in found if not name.startswith("__")]
        raise UnreadableError(
            f"has no array {' and '.join(absent)}; it has {', '.join(others) or 'none'}: {_REMEDY}"
        )
    return *_checked(found["X"], found["y"]), container


def container_of(path: Path) -> str:
    """Return the kind of container, as its first bytes tell."""
    with path.open("rb") as file:
        head = file.read(520)
    if head.startswith(b"MATLAB 7.3") or head[512:520] == _HDF5_MAGIC:
        return V73
    if head.startswith(_HDF5_MAGIC):
        return HDF5
    return NPZ if head.startswith(b"PK\x03\x04") or path.suffix == ".npz" else V5


def _from_mat(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat, whosmat  # noqa: PLC0415  (0.3 s that only this source needs)

    known = [name for name, _, _ in whosmat(path)]
    content: dict[str, Any] = dict.fromkeys(known)
    content |= loadmat(path, variable_names=["X", "y"])
    return content


def _from_npz(path: Path) -> dict[str, Any]:
    if not zipfile.is_zipfile(path):
        raise UnreadableError(f"is a corrupt or truncated npz file: write it again; {_REMEDY}")
    with np.load(path, allow_pickle=False) as content:
        found: dict[str, Any] = dict.fromkeys(content.files)
        for name in ("X", "y"):
            if name in content.files:
                try:
                    found[name] = content[name]
                except ValueError as error:
                    if "pickle" not in str(error):
                        raise
                    raise UnreadableError(
                        f"{name} holds Python objects, which are not unpickled: {_REMEDY}"
                    ) from error
        return found


def _from_matlab_hdf5(path: Path) -> dict[str, Any]:
    # MATLAB stores the last axis first.
    return {
        name: value.T if isinstance(value, np.ndarray) else value
        for name, value in _from_hdf5(path).items()
    }


def _from_hdf5(path: Path) -> dict[str, Any]:
    import h5py  # noqa: PLC0415  (installed with Keras)

    found: dict[str, Any] = {}
    with h5py.File(path, "r") as file:
        for name, item in file.items():
            found[name] = None
            if name not in ("X", "y"):
                continue
            if not isinstance(item, h5py.Dataset):
                kind = "a sparse matrix" if "MATLAB_sparse" in item.attrs else "a group or struct"
                raise UnreadableError(f"{name} is {kind}, not a full array: {_REMEDY}")
            if item.attrs.get("MATLAB_class", b"") == b"cell":
                raise UnreadableError(f"{name} is a cell array, not numbers: {_REMEDY}")
            found[name] = item[()]
    return found


def _checked(raw_images: Any, raw_labels: Any) -> tuple[Array, Array]:
    _check_numbers("X", raw_images)
    _check_numbers("y", raw_labels)
    images = _in_order(raw_images)
    if raw_labels.size != len(images):
        raise UnreadableError(
            f"y is {list(raw_labels.shape)}, but X holds {len(images)} images: {_REMEDY}"
        )
    if len(images) == 0:
        raise UnreadableError("holds no images")
    known = np.isin(raw_labels, np.arange(11))
    if not known.all():
        raise UnreadableError(f"y has the label {raw_labels[~known].flat[0]}: {_REMEDY}")
    labels = raw_labels.reshape(-1).astype(np.int64)
    return images, np.where(labels == 10, 0, labels)


def _check_numbers(name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray):
        what = "a sparse matrix" if hasattr(array, "tocsc") else type(array).__name__
        raise UnreadableError(f"{name} is {what}, not a full array: {_REMEDY}")
    if array.dtype.kind not in "uif":
        what = {"O": "a cell array", "V": "a struct", "U": "text"}.get(
            array.dtype.kind, str(array.dtype)
        )
        raise UnreadableError(f"{name} is {what}, not numbers: {_REMEDY}")


def _in_order(images: Array) -> Array:
    """Return images as [n, 32, 32, 3], whether the first or the last axis counts them."""
    if images.dtype == np.uint8 and images.ndim == 4:
        if images.shape[:3] == _IMAGE:
            return np.ascontiguousarray(images.transpose(3, 0, 1, 2))
        if images.shape[1:] == _IMAGE:
            return images
    raise UnreadableError(
        f"X is {images.dtype} {list(images.shape)}, not uint8 [32, 32, 3, n]: {_REMEDY}"
    )
