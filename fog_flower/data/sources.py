"""From the ``dataset`` key to the data."""

import functools
from pathlib import Path

from fog_flower.config import RunConfig
from fog_flower.data.embedded import RENDERED, Progress, load_rendered
from fog_flower.data.images import Dataset
from fog_flower.errors import UserError
from fog_flower.simulation_parts import simulation_part

SVHN, NPZ = "svhn", "npz:"
RENDERED_TRAIN, RENDERED_TEST = 73_257, 26_032  # as many as SVHN has


def load_dataset(config: RunConfig, progress: Progress | None = None) -> Dataset:
    """Load the configured data; within a process, once.

    Parameters
    ----------
    config : RunConfig
        Its ``dataset``, ``data-dir``, ``data-seed`` and image counts are used.
    progress : callable, optional
        Called with (done, total) while images are rendered.

    Raises
    ------
    UserError
        If there is no such source, or its data cannot be had. Never another source instead.
    """
    if config.dataset == SVHN:
        return _svhn(config.data_dir)
    if config.dataset == RENDERED:
        return _rendered(config.data_seed, *_rendered_counts(config), progress)
    if config.dataset.startswith(NPZ):
        path = Path(config.dataset.removeprefix(NPZ)).expanduser()
        if path == Path():
            raise UserError(f"dataset={config.dataset!r}: name a file, e.g. npz:my-digits.npz")
        if not path.is_absolute():
            raise UserError(f"dataset={config.dataset!r}: the path must be absolute")
        return _npz(path)
    raise UserError(
        f"dataset={config.dataset!r}: there are {RENDERED}, {SVHN} and {NPZ}/absolute/path.npz"
    )


def _rendered_counts(config: RunConfig) -> tuple[int, int]:
    """Return how many images to render: as many as are used, and at most SVHN's own numbers."""
    train = config.train_images or RENDERED_TRAIN
    held_out = config.validation_images + max(config.test_images, 1)
    for keys, asked, available in (
        (f"train-images={config.train_images}", train, RENDERED_TRAIN),
        (
            f"validation-images={config.validation_images}, test-images={config.test_images}",
            held_out,
            RENDERED_TEST,
        ),
    ):
        if asked > available:
            raise UserError(
                f"{keys}: {RENDERED} has {available} images for that, not {asked}; ask for fewer"
            )
    return train, held_out if config.test_images else RENDERED_TEST


@functools.lru_cache(maxsize=1)
def _svhn(data_dir: str) -> Dataset:
    data: Dataset = simulation_part("svhn", f"dataset={SVHN!r}").load_svhn(data_dir)
    return data


@functools.lru_cache(maxsize=1)
def _npz(path: Path) -> Dataset:
    data: Dataset = simulation_part("npz", f"dataset='{NPZ}{path}'").load_npz(path)
    return data


_rendered = functools.lru_cache(maxsize=1)(load_rendered)
