"""What a data source is asked for."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.data.dataset import Progress


@dataclasses.dataclass(frozen=True)
class Request:
    """What a data source is asked for, by the configuration's data keys.

    Attributes
    ----------
    argument : str
        What follows the colon of ``dataset``: the path of ``npz:PATH``.
    arguments : mapping
        ``dataset-args``.
    data_dir : Path or None
    data_seed : int
        For a source that draws its examples.
    train_examples, test_examples : int
        How many are wanted of each file at least; 0 is all there are.
    progress : callable, optional
        To be called with (done, total) while something takes long.
    """

    argument: str
    arguments: Mapping[str, Any]
    data_dir: Path | None
    data_seed: int
    train_examples: int
    test_examples: int
    progress: Progress | None = None
