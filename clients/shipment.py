"""The format of shipments from an end node to its fog node: arrays with a checksum.

The paper uses pickle. Unpickling data from a network can run code in it, so this format does not.
Layout: magic (8 bytes), sha256 of the payload (32 bytes), and the payload, an ``.npz`` of plain
arrays. Inputs are as the model sees them, or, with ``protection=quantise``, levels of one byte each
with the value of the largest.
"""

import hashlib
import io
import zipfile

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Array, Examples, Spec
from fog_flower.tasks.task import Task

MAGIC = b"FOGSHIP2"
CHECKSUM_BYTES = 32
INPUTS, TARGETS, LARGEST = "inputs", "targets", "largest"
_LEVELS = 255  # the last level; with 0 there are 256


class RefusedShipmentError(ValueError):
    """A shipment that a fog node refuses; the message says why."""


def pack(share: Examples, largest: float | None = None) -> bytes:
    """Pack inputs, as a model sees them, and targets, in their dtypes.

    Parameters
    ----------
    share : Examples
    largest : float, optional
        Send float32 inputs as levels of one byte each, between -``largest`` and ``largest``.
    """
    buffer = io.BytesIO()
    arrays: dict[str, Array] = {INPUTS: share.inputs, TARGETS: share.targets}
    if largest is not None:
        arrays |= {INPUTS: levels_of(share.inputs, largest), LARGEST: np.array(largest)}
    np.savez(buffer, allow_pickle=False, **arrays)
    payload = buffer.getvalue()
    return MAGIC + hashlib.sha256(payload).digest() + payload


def levels_of(inputs: npt.NDArray[np.float32], largest: float) -> npt.NDArray[np.uint8]:
    """Round inputs to 256 levels, from 0 for -``largest`` to 255 for ``largest``."""
    parts = (np.clip(inputs, -largest, largest) + largest) / (2.0 * largest)
    return np.asarray(np.rint(_LEVELS * parts), np.uint8)


def values_of(levels: npt.NDArray[np.uint8], largest: float) -> npt.NDArray[np.float32]:
    """Return the value of each level."""
    table = np.linspace(-largest, largest, _LEVELS + 1).astype(np.float32)
    return np.asarray(table[levels])


def unpack(shipment: bytes, spec: Spec, task: Task) -> Examples:
    """Check and unpack a shipment.

    Parameters
    ----------
    shipment : bytes
    spec : Spec
        Shape and dtype that every input must have.
    task : Task
        Checks the targets.

    Raises
    ------
    RefusedShipmentError
        For a wrong magic, checksum, array, shape, dtype or target, or a non-finite value.
    """
    head = len(MAGIC)
    if shipment[:head] != MAGIC:
        raise RefusedShipmentError("is not a shipment (wrong magic bytes)")
    checksum, payload = shipment[head : head + CHECKSUM_BYTES], shipment[head + CHECKSUM_BYTES :]
    if hashlib.sha256(payload).digest() != checksum:
        raise RefusedShipmentError("has a wrong checksum")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as content:
            inputs, targets = content[INPUTS], content[TARGETS]
            if LARGEST in content:
                inputs = _unlevelled(inputs, content[LARGEST])
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise RefusedShipmentError(f"cannot be read without pickle: {error}") from error
    if inputs.dtype != spec.dtype or inputs.shape[1:] != spec.shape:
        raise RefusedShipmentError(
            f"has inputs {inputs.dtype} {list(inputs.shape[1:])}, not {spec}"
        )
    if problem := task.problem(targets):
        raise RefusedShipmentError(f"is refused: {problem}")
    if not np.isfinite(inputs).all():
        raise RefusedShipmentError("has non-finite values")
    try:
        return Examples(inputs, targets)
    except ValueError as error:
        raise RefusedShipmentError(f"is refused: {error}") from error


def _unlevelled(levels: npt.NDArray[np.uint8], largest: npt.NDArray[np.float64]) -> Array:
    """Return the values of levels.

    Raises
    ------
    ValueError
        If the levels are not uint8, or ``largest`` is not one positive finite number.
    """
    if levels.dtype != np.uint8 or largest.shape != () or not 0.0 < float(largest) < np.inf:
        raise ValueError(f"levels are {levels.dtype} up to {largest}")
    return values_of(levels, float(largest))
