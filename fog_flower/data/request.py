"""The request to a data source."""

import dataclasses
from pathlib import Path

from fog_flower.data.dataset import Progress
from fog_flower.errors import UserError


@dataclasses.dataclass(frozen=True)
class Request:
    """The request to a data source, made from the configuration's data keys.

    ``dataset-args`` are the source's own keyword arguments.

    Attributes
    ----------
    argument : str
        The text after the colon of ``dataset``, e.g. the path of ``npz:PATH``.
    data_dir : Path or None
    data_seed : int
        For a source that draws its examples.
    train_examples, test_examples : int
        Least number of examples needed of each file; 0: all.
    progress : callable, optional
        To be called with (done, total) during slow work.
    """

    argument: str
    data_dir: Path | None
    data_seed: int
    train_examples: int
    test_examples: int
    progress: Progress | None = None

    def no_argument(self, name: str) -> None:
        """Check that there is no text after the colon of a source that takes none.

        Raises
        ------
        UserError
            If there is any.
        """
        if self.argument:
            raise UserError(
                f"dataset='{name}:{self.argument}': {name} takes nothing after a colon; write "
                f"dataset={name}"
            )
