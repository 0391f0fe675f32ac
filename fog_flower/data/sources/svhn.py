"""Loads SVHN's cropped digits (Netzer et al. 2011) from any container."""

import hashlib
from pathlib import Path

import numpy as np

from fog_flower.data.cache import cache_dir
from fog_flower.data.dataset import Dataset, fingerprint
from fog_flower.data.downloads import download
from fog_flower.data.preprocess import PixelNormaliser
from fog_flower.data.rendered.labels import SVHN_CLASS_COUNTS
from fog_flower.data.request import Request
from fog_flower.data.sources._digit_files import UnreadableError, container_of, read_digits
from fog_flower.data.sources._files import decoded, file_md5
from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Array, Examples

URL = "http://ufldl.stanford.edu/housenumbers/"
MD5 = {  # of the official files
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}
SUFFIXES = (".mat", ".npz", ".h5", ".hdf5")
# A number of examples, and `fingerprint` of these first ones, decoded. The last 16,032 test digits
# are only checked by the number of each digit in the whole file.
OFFICIAL = {
    "train": (73_257, "a330f73a1218cdc296fc4915f8092f36b12671e4299687d22773562b5baa60eb"),
    "test": (10_000, "2e6edf1a35294ad15ec70f3d33bf690c380c129775eaf01bdc6c977a8e15b2ce"),
}
FULL_SIZE = {"train": 73_257, "test": 26_032}
WHOLE, HEAD, OTHER = "the official content", "the head of the official content", "a subset"

# Published for the training file; per channel, of pixels in [0, 1].
PUBLIC = PixelNormaliser(np.array([0.4377, 0.4438, 0.4728]), np.array([0.1980, 0.2010, 0.1970]))


def svhn(request: Request) -> Dataset:
    """Load SVHN from ``data-dir`` or the cache, or download it to the cache.

    A file is identified by its content: the same digits in a MATLAB v5, MATLAB v7.3, HDF5 or npz
    file are the same data. ``origin`` in the record names the container. Smaller files can be
    loaded too; the data set's name then says so.

    Raises
    ------
    UserError
        If a file is missing or unreadable, or has other content.
    """
    request.no_argument("svhn")
    paths = _paths(request.data_dir)
    parts, origins, kinds = [], [], []
    for part, path in paths.items():
        examples, sha256, container, kind = _part(part, path)
        parts.append((examples, sha256))
        kinds.append(kind)
        origins.append(f"{path.name}: {container}, {len(examples)} digits, {kind}")
    (train, train_sha256), (test, test_sha256) = parts
    sizes = f"{len(train)}+{len(test)}"
    if OTHER in kinds:
        name = f"svhn-subset-{sizes}"
    else:
        name = f"svhn-{sizes}" if HEAD in kinds else "svhn"
    sha256 = hashlib.sha256(f"{train_sha256}{test_sha256}".encode()).hexdigest()
    task = Classification(10)
    return Dataset(name, sha256, train, test, task, PUBLIC, origin="; ".join(origins))


def load_mat(path: Path) -> tuple[Array, Array]:
    """Read one file in SVHN's format.

    Returns
    -------
    (images, labels) : uint8 [n, 32, 32, 3] and int64 [n], 0 to 9

    Raises
    ------
    UserError
        If the file is missing, truncated, corrupt, or lacks ``X`` or ``y``.
    """
    try:
        images, labels, _ = read_digits(path)
    except FileNotFoundError as error:
        raise UserError(_how_to_get(f"{path} does not exist")) from error
    except (UnreadableError, OSError) as error:
        raise UserError(_how_to_get(f"{path} {_reason(error)}")) from error
    return images, labels


def _paths(data_dir: Path | None) -> dict[str, Path]:
    folder = data_dir or cache_dir() / "svhn"
    if data_dir and not data_dir.is_dir():
        raise UserError(_how_to_get(f"data-dir={str(data_dir)!r} is not a folder"))
    found = {part: _first(folder, part) for part in FULL_SIZE}
    missing = [f"{part}_32x32.mat" for part, path in found.items() if path is None]
    if missing and data_dir:
        raise UserError(_how_to_get(f"data-dir={str(data_dir)!r} lacks {' and '.join(missing)}"))
    for name in missing:
        try:
            download(URL + name, MD5[name], folder / name)
        except OSError as error:
            raise UserError(_how_to_get(f"{name} could not be downloaded ({error})")) from error
    return {part: path or folder / f"{part}_32x32.mat" for part, path in found.items()}


def _first(folder: Path, part: str) -> Path | None:
    candidates = (folder / f"{part}_32x32{suffix}" for suffix in SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _part(part: str, path: Path) -> tuple[Examples, str, str, str]:
    """Return the digits of one file, their hash, the container, and whether they are official."""

    def decode() -> Examples:
        images, labels, _ = read_digits(path)
        return Examples(images, labels)

    try:
        examples, sha256 = decoded(path.stem, (path,), decode)
        container = container_of(path)
        official = file_md5(path) == MD5.get(path.name)
    except (UnreadableError, OSError) as error:
        raise UserError(_how_to_get(f"{path} {_reason(error)}")) from error
    if len(examples) > FULL_SIZE[part]:
        raise UserError(
            _how_to_get(f"{path} holds {len(examples)} digits, but SVHN has {FULL_SIZE[part]}")
        )
    kind = WHOLE if official else _kind(part, examples, sha256)
    if kind == OTHER and len(examples) == FULL_SIZE[part]:
        raise UserError(
            _how_to_get(f"{path} is as large as the official file, but its content is different")
        )
    return examples, sha256, container, kind


def _kind(part: str, examples: Examples, sha256: str) -> str:
    """Return whether the content is the whole official file, its head, or something else."""
    known, expected = OFFICIAL[part]
    if len(examples) < known:
        return OTHER
    if len(examples) > known:
        sha256 = fingerprint(Examples(examples.inputs[:known], examples.targets[:known]))
    if sha256 != expected:
        return OTHER
    if len(examples) < FULL_SIZE[part]:
        return HEAD
    counts = tuple(np.bincount(examples.targets, minlength=10).tolist())
    return WHOLE if counts == SVHN_CLASS_COUNTS[part] else OTHER


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if isinstance(error, UnreadableError) else f"cannot be read ({text})"


def _how_to_get(problem: str) -> str:
    files = ", ".join(f"{name} (MD5 {md5})" for name, md5 in MD5.items())
    return (
        f"dataset='svhn': {problem}. Put {files} from {URL} into one folder and name it with "
        f"data-dir=FOLDER, or into {cache_dir() / 'svhn'}; or use dataset=rendered-digits"
    )
