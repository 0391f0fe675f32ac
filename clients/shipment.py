"""What an end node sends to its fog node: arrays with a checksum, without pickle.

The paper pickles; unpickling what a network sent runs its code, so this does not.
Layout: magic (8 bytes), sha256 of the rest (32 bytes), an ``.npz`` of plain arrays.
"""

import hashlib
import io
import zipfile

import numpy as np
import numpy.typing as npt

from fog_flower.data.images import CLASSES, IMAGE_SHAPE

MAGIC = b"FOGSHIP1"
CHECKSUM_BYTES = 32


class RefusedShipmentError(ValueError):
    """A shipment that a fog node does not take; the message says why."""


def pack(images: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> bytes:
    """Pack noisy images float32 [n, 32, 32, 3] and labels int64 [n]."""
    buffer = io.BytesIO()
    np.savez(buffer, images=images, labels=labels)
    payload = buffer.getvalue()
    return MAGIC + hashlib.sha256(payload).digest() + payload


def unpack(shipment: bytes) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Check and unpack a shipment.

    Returns
    -------
    (images, labels) : float32 [n, 32, 32, 3] and int64 [n], 0 to 9

    Raises
    ------
    RefusedShipmentError
        For a wrong magic, checksum, array, shape, dtype or label, or a non-finite value.
    """
    head = len(MAGIC)
    if shipment[:head] != MAGIC:
        raise RefusedShipmentError("is not a shipment (wrong magic bytes)")
    checksum, payload = shipment[head : head + CHECKSUM_BYTES], shipment[head + CHECKSUM_BYTES :]
    if hashlib.sha256(payload).digest() != checksum:
        raise RefusedShipmentError("has a wrong checksum")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as content:
            images, labels = content["images"], content["labels"]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise RefusedShipmentError(f"cannot be read without pickle: {error}") from error
    if images.dtype != np.float32 or images.shape[1:] != IMAGE_SHAPE:
        raise RefusedShipmentError(f"has images {images.dtype} {list(images.shape)}")
    if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        raise RefusedShipmentError(f"has labels {labels.dtype} {list(labels.shape)}")
    if len(labels) and (labels.min() < 0 or labels.max() >= CLASSES):
        raise RefusedShipmentError(f"has labels from {labels.min()} to {labels.max()}, not 0 to 9")
    if not np.isfinite(images).all():
        raise RefusedShipmentError("has non-finite values")
    return images, labels
