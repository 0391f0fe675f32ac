"""A picture of a data set, to see what a model sees."""

from pathlib import Path

import numpy as np
from PIL import Image

from fog_flower.data.images import CLASSES, Dataset
from fog_flower.errors import UserError

COLUMNS = 24
SCALE = 2


def draw_contact_sheet(dataset: Dataset, path: Path) -> None:
    """Write a PNG with a row for each digit, its first training images.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    rows = []
    for digit in range(CLASSES):
        found = np.flatnonzero(dataset.train.labels == digit)[:COLUMNS]
        row = np.zeros((COLUMNS, 32, 32, 3), np.uint8)
        row[: len(found)] = dataset.train.images[found]
        rows.append(np.concatenate(list(row), axis=1))
    sheet = Image.fromarray(np.concatenate(rows, axis=0))
    try:
        sheet.resize((sheet.width * SCALE, sheet.height * SCALE), Image.Resampling.NEAREST).save(
            path
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: the picture cannot be written ({error})") from error
