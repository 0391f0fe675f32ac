"""What a data source is asked for."""

import dataclasses
from pathlib import Path

from fog_flower.data.dataset import Progress
from fog_flower.errors import UserError


@dataclasses.dataclass(frozen=True)
class Request:
    """What a data source is asked for, by the configuration's data keys.

    ``dataset-args`` are the source's own keyword arguments.

    Attributes
    ----------
    argument : str
        What follows the colon of ``dataset``: the path of ``npz:PATH``.
    data_dir : Path or None
    data_seed : int
        For a source that draws its examples.
    train_examples, test_examples : int
        How many are wanted of each file at least; 0 is all there are.
    progress : callable, optional
        To be called with (done, total) while something takes long.
    """

    argument: str
    data_dir: Path | None
    data_seed: int
    train_examples: int
    test_examples: int
    progress: Progress | None = None

    def no_argument(self, name: str) -> None:
        """Refuse what follows the colon of a source that takes nothing.

        Raises
        ------
        UserError
            If there is something.
        """
        if self.argument:
            raise UserError(
                f"dataset='{name}:{self.argument}': {name} takes nothing after a colon; write "
                f"dataset={name}"
            )
