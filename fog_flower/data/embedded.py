"""The embedded data source, rendered digits: from the cache, else drawn."""

import hashlib
import os
from collections.abc import Callable

from fog_flower.data.cache import Cached, cache_dir, cached_series, largest_enough, read_cached
from fog_flower.data.images import Dataset, Images, LabelledImages, Labels
from fog_flower.errors import UserError

RENDERED = "rendered-digits"
RENDERER_VARIABLE = "FOG_FLOWER_RENDERER"  # the version that the launcher drew with

Progress = Callable[[int, int], None]


def load_rendered(seed: int, train: int, test: int, progress: Progress | None) -> Dataset:
    """Return ``train`` and ``test`` rendered digits of a seed.

    The drawing code is not in Flower's bundle (size): there, only the cache serves.

    Raises
    ------
    UserError
        If they are not in the cache and cannot be drawn here.
    """
    version, render = _renderer()

    def part(name: str, count: int, done_before: int) -> Cached:
        key = f"{RENDERED}-{version}-seed{seed}-{name}"
        if render is None:
            folder = largest_enough(key, count)
            if folder is None:
                raise UserError(
                    f"dataset='{RENDERED}': {cache_dir()} does not hold {count} {name} images of "
                    f"data-seed={seed}, and Flower's bundle cannot draw them; first run: "
                    f"fog-flower data prepare train-images={train} validation-images=1 "
                    f"test-images={test - 1} data-seed={seed}"
                )
            return read_cached(folder, count)

        def report(done: int, _total: int) -> None:
            if progress:
                progress(done_before + done, train + test)

        return cached_series(
            key, count, lambda: LabelledImages(*render(name, count, seed, progress=report))
        )

    train_part, train_sha256 = part("train", train, 0)
    test_part, test_sha256 = part("test", test, train)
    sha256 = hashlib.sha256(f"{train_sha256}{test_sha256}".encode()).hexdigest()
    return Dataset(f"{RENDERED}-{train}+{test}-seed{seed}", sha256, train_part, test_part)


def _renderer() -> tuple[str, Callable[..., tuple[Images, Labels]] | None]:
    """Return the version of the drawing code, and the code, where it is."""
    try:
        from fog_flower.data.rendered import RENDERER_VERSION, render_digits  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "fog_flower.data.rendered":
            raise
        return os.environ.get(RENDERER_VARIABLE, "*"), None
    return RENDERER_VERSION, render_digits
