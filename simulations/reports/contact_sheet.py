"""A contact sheet: a picture of the training images of a data set."""

from pathlib import Path

import numpy as np
from PIL import Image

from fog_flower.data.dataset import Dataset
from fog_flower.errors import UserError

COLUMNS = 24
SCALE = 2


def draw_contact_sheet(dataset: Dataset, path: Path) -> None:
    """Write a PNG with a row for each class, of its first training images.

    Raises
    ------
    UserError
        If the inputs are not grey or colour images of dtype uint8, or the file cannot be written.
    """
    images = dataset.train.inputs
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise UserError(
            f"data sheet: inputs of {dataset.name} are {images.dtype} {list(images.shape[1:])}, "
            "not grey or colour images"
        )
    rows = []
    for members in dataset.task.groups(dataset.train.targets):
        found = members[:COLUMNS]
        row = np.zeros((COLUMNS, *images.shape[1:]), np.uint8)
        row[: len(found)] = images[found]
        rows.append(np.concatenate(list(row), axis=1))
    pixels = np.concatenate(rows, axis=0)
    sheet = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    try:
        sheet.resize((sheet.width * SCALE, sheet.height * SCALE), Image.Resampling.NEAREST).save(
            path
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: the picture cannot be written ({error})") from error
