"""What an end node sends to its fog node: arrays with a checksum, without pickle.

The paper pickles; unpickling what a network sent runs its code, so this does not.
Layout: magic (8 bytes), sha256 of the rest (32 bytes), an ``.npz`` of plain arrays.
"""

import hashlib
import io
import zipfile

import numpy as np

from fog_flower.tasks.examples import Examples, Spec
from fog_flower.tasks.task import Task

MAGIC = b"FOGSHIP2"
CHECKSUM_BYTES = 32


class RefusedShipmentError(ValueError):
    """A shipment that a fog node does not take; the message says why."""


def pack(share: Examples) -> bytes:
    """Pack examples as a model sees them: inputs and targets, in their dtypes."""
    buffer = io.BytesIO()
    np.savez(buffer, inputs=share.inputs, targets=share.targets)
    payload = buffer.getvalue()
    return MAGIC + hashlib.sha256(payload).digest() + payload


def unpack(shipment: bytes, spec: Spec, task: Task) -> Examples:
    """Check and unpack a shipment.

    Parameters
    ----------
    shipment : bytes
    spec : Spec
        What every input must be.
    task : Task
        Says what targets must be.

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
            inputs, targets = content["inputs"], content["targets"]
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
