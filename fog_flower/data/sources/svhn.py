"""SVHN cropped digits (Netzer et al. 2011) in the official ``.mat`` files."""

import functools
import hashlib
from pathlib import Path

import numpy as np

from fog_flower.data.cache import cache_dir, is_cached, read_cached, write_cached
from fog_flower.data.dataset import Dataset
from fog_flower.data.downloads import download
from fog_flower.data.preprocess import PixelNormaliser
from fog_flower.data.request import Request
from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Array, Examples

URL = "http://ufldl.stanford.edu/housenumbers/"
MD5 = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}
FULL_SIZE = {"train_32x32.mat": 73_257, "test_32x32.mat": 26_032}


# Published for the training file; per channel, of pixels in [0, 1].
PUBLIC = PixelNormaliser(np.array([0.4377, 0.4438, 0.4728]), np.array([0.1980, 0.2010, 0.1970]))


def svhn(request: Request) -> Dataset:
    """Load SVHN from ``data-dir``, or from the cache, or download it there.

    Smaller files in the same format load too, and the name says so. A full-size file must have
    the official checksum.

    Raises
    ------
    UserError
        If a file is missing, unreadable or not what it should be.
    """
    data_dir = request.data_dir
    folder = data_dir or cache_dir() / "svhn"
    missing = [name for name in MD5 if not (folder / name).is_file()]
    if missing:
        if data_dir:
            raise UserError(
                _how_to_get(f"data-dir={str(data_dir)!r} lacks {' and '.join(missing)}")
            )
        for name in missing:
            try:
                download(URL + name, MD5[name], folder / name)
            except OSError as error:
                raise UserError(_how_to_get(f"{name} could not be downloaded ({error})")) from error
    parts = {name: _load_cached(folder / name) for name in MD5}
    (train, train_sha256), (test, test_sha256) = parts.values()
    full = all(len(part) == FULL_SIZE[name] for name, (part, _) in parts.items())
    name = "svhn" if full else f"svhn-subset-{len(train)}+{len(test)}"
    sha256 = hashlib.sha256(f"{train_sha256}{test_sha256}".encode()).hexdigest()
    return Dataset(name, sha256, train, test, Classification(10), PUBLIC)


def load_mat(path: Path) -> tuple[Array, Array]:
    """Read one MATLAB v5 file of SVHN's format.

    Parameters
    ----------
    path : Path
        A file with ``X`` uint8 [32, 32, 3, n] and ``y`` [n, 1], where 10 means digit 0.

    Returns
    -------
    (images, labels) : uint8 [n, 32, 32, 3] and int64 [n], 0 to 9

    Raises
    ------
    UserError
        If the file is missing, truncated, corrupt, or lacks ``X`` or ``y``.
    """
    from scipy.io import loadmat  # noqa: PLC0415  (0.3 s that no other data source needs)

    try:
        content = loadmat(path)
        raw_images, raw_labels = content["X"], content["y"]
    except FileNotFoundError as error:
        raise UserError(_how_to_get(f"{path} does not exist")) from error
    except KeyError as error:
        raise UserError(_how_to_get(f"{path} has no array {error}")) from error
    except Exception as error:  # scipy raises many kinds on a damaged file
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError(_how_to_get(f"{path} is corrupt or truncated ({reason})")) from error
    well_formed = (
        raw_images.ndim == 4
        and raw_images.shape[:3] == (32, 32, 3)
        and raw_images.dtype == np.uint8
        and raw_labels.size == raw_images.shape[3]
        and np.isin(raw_labels, np.arange(11)).all()
    )
    if not well_formed:
        raise UserError(
            _how_to_get(
                f"{path} must hold X uint8 [32, 32, 3, n] and y [n, 1] from 1 to 10, not "
                f"X {raw_images.dtype} {list(raw_images.shape)} and y {list(raw_labels.shape)}"
            )
        )
    images = np.ascontiguousarray(raw_images.transpose(3, 0, 1, 2))
    labels = raw_labels.reshape(-1).astype(np.int64)
    return images, np.where(labels == 10, 0, labels)


def _load_cached(path: Path) -> tuple[Examples, str]:
    md5 = _md5(path, path.stat().st_mtime_ns)
    folder = cache_dir() / "examples" / f"{path.stem}-{md5}"
    if not is_cached(folder):
        images, labels = load_mat(path)
        if len(labels) == 0:
            raise UserError(_how_to_get(f"{path} holds no images"))
        write_cached(folder, Examples(images, labels))
    part, sha256 = read_cached(folder)
    expected = MD5[path.name]
    if len(part) == FULL_SIZE[path.name] and md5 != expected:
        raise UserError(_how_to_get(f"{path} is full-size but its MD5 is {md5}, not {expected}"))
    return part, sha256


@functools.cache
def _md5(path: Path, _modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _how_to_get(problem: str) -> str:
    files = ", ".join(f"{name} (MD5 {md5})" for name, md5 in MD5.items())
    return (
        f"dataset='svhn': {problem}. Put {files} from {URL} into one folder and name it with "
        f"data-dir=FOLDER, or into {cache_dir() / 'svhn'}; or use dataset=rendered-digits"
    )
