"""MNIST (LeCun, Cortes & Burges 1998) in its official IDX files."""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np

from fog_flower.data.cache import cache_dir
from fog_flower.data.dataset import Dataset
from fog_flower.data.downloads import download
from fog_flower.data.preprocess import PixelNormaliser
from fog_flower.data.request import Request
from fog_flower.data.sources._files import decoded
from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Array, Examples

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MD5 = {  # of the official compressed files
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
FULL_SIZE = {"train": 60_000, "test": 10_000}
# `fingerprint` of the decoded examples.
OFFICIAL = {
    "train": "d18cfd466eb143ac1097fde604dba9eec4116885869d04cc648b510949f9e88c",
    "test": "a0863a96c44e5666edbb30c4071ee79ca0514c621e6349c5967fc78e7305c891",
}
IMAGE = (28, 28)
UNSIGNED_BYTES = 8  # IDX' code of the dtype

# Published for the training file; of pixels in [0, 1].
PUBLIC = PixelNormaliser(np.array([0.1307]), np.array([0.3081]))


def mnist(request: Request) -> Dataset:
    """Load MNIST, 28 x 28 x 1, from ``data-dir`` or the cache, or download it to the cache.

    The files may be compressed or not, and are identified by their content. Smaller files of the
    same format can be loaded too; the data set's name then says so.

    Raises
    ------
    UserError
        If a file is missing or damaged, or has other content.
    """
    request.no_argument("mnist")
    folder = _folder(request.data_dir)
    parts, whole, origins = {}, True, []
    for part, names in FILES.items():
        paths = tuple(_find(folder, name, request.data_dir) for name in names)
        parts[part] = examples, sha256 = _part(part, paths[0], paths[1])
        official = sha256 == OFFICIAL[part]
        whole &= official
        what = "the official content" if official else "a subset"
        origins.append(f"{' and '.join(path.name for path in paths)}: {what}")
        if not official and len(examples) >= FULL_SIZE[part]:
            raise UserError(
                _how_to_get(
                    f"{paths[0]} holds {len(examples)} images, but they are not MNIST's; for "
                    "another data set in this format use dataset=npz:PATH or module:function"
                )
            )
    (train, train_sha256), (test, test_sha256) = parts["train"], parts["test"]
    name = "mnist" if whole else f"mnist-subset-{len(train)}+{len(test)}"
    sha256 = hashlib.sha256(f"{train_sha256}{test_sha256}".encode()).hexdigest()
    return Dataset(name, sha256, train, test, Classification(10), PUBLIC, origin="; ".join(origins))


def read_idx(path: Path) -> Array:
    """Read one IDX file of bytes, compressed or not.

    Returns
    -------
    uint8 [n, ...]

    Raises
    ------
    ValueError
        If it is damaged or of another kind; the message says what is wrong.
    """
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"is a damaged or truncated gzip file ({error})") from error
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError("is not an IDX file: it does not begin with two zero bytes")
    kind, dimensions = content[2], content[3]
    if kind != UNSIGNED_BYTES or not dimensions:
        raise ValueError(f"is an IDX file of another kind ({kind:#04x}), not of unsigned bytes")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError("is truncated in its header")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start + int(np.prod(shape, dtype=object))
    if len(content) != expected:
        raise ValueError(
            f"is truncated or damaged: {list(shape)} takes {expected} bytes, not {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _folder(data_dir: Path | None) -> Path:
    if data_dir and not data_dir.is_dir():
        raise UserError(_how_to_get(f"data-dir={str(data_dir)!r} is not a folder"))
    return data_dir or cache_dir() / "mnist"


def _find(folder: Path, name: str, data_dir: Path | None) -> Path:
    """Return a file with its official name or ``.idx`` in it, compressed or not, or download it."""
    dotted = name.replace("-idx", ".idx")
    candidates = [folder / f"{stem}{suffix}" for stem in (name, dotted) for suffix in (".gz", "")]
    for path in candidates:
        if path.is_file():
            return path
    if data_dir:
        raise UserError(_how_to_get(f"data-dir={str(data_dir)!r} lacks {name}[.gz]"))
    path = folder / f"{name}.gz"
    try:
        download(URL + path.name, MD5[path.name], path)
    except OSError as error:
        raise UserError(_how_to_get(f"{path.name} could not be downloaded ({error})")) from error
    return path


def _part(part: str, images: Path, labels: Path) -> tuple[Examples, str]:
    def decode() -> Examples:
        pixels, digits = _read(images), _read(labels)
        if pixels.shape[1:] != IMAGE or digits.ndim != 1:
            raise UserError(
                _how_to_get(
                    f"{images} must hold images [n, 28, 28] and {labels.name} labels [n], not "
                    f"{list(pixels.shape)} and {list(digits.shape)}"
                )
            )
        if len(pixels) != len(digits) or not len(pixels):
            raise UserError(
                _how_to_get(f"{images} holds {len(pixels)} images, {labels.name} {len(digits)}")
            )
        if digits.max() > 9:
            raise UserError(_how_to_get(f"{labels} has the label {digits.max()}"))
        return Examples(pixels[..., None], digits.astype(np.int64))

    try:
        return decoded(f"mnist-{part}", (images, labels), decode)
    except OSError as error:
        raise UserError(_how_to_get(f"{images} or {labels.name}: {error}")) from error


def _read(path: Path) -> Array:
    try:
        return read_idx(path)
    except ValueError as error:
        raise UserError(_how_to_get(f"{path} {error}: get it again")) from error


def _how_to_get(problem: str) -> str:
    files = ", ".join(f"{name} (MD5 {md5})" for name, md5 in MD5.items())
    return (
        f"dataset='mnist': {problem}. Put {files} from {URL} into one folder and name it with "
        f"data-dir=FOLDER, or into {cache_dir() / 'mnist'}"
    )
