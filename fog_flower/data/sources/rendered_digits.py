"""The built-in data set: digits that look like house numbers, rendered here and cached."""

import hashlib
from concurrent.futures import BrokenExecutor

import numpy as np

from fog_flower.data.cache import Cached, cache_dir, cached_series
from fog_flower.data.dataset import Dataset, Progress
from fog_flower.data.preprocess import PixelNormaliser
from fog_flower.data.request import Request
from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Examples

NAME = "rendered-digits"
TRAIN, TEST = 73_257, 26_032  # as many as SVHN has
# Of the first 10,000 training digits of data-seed 0.
PUBLIC = PixelNormaliser(np.array([0.4545, 0.4642, 0.4885]), np.array([0.2217, 0.2236, 0.2356]))


def rendered_digits(request: Request) -> Dataset:
    """Return rendered digits, 32 x 32 x 3, of a seed: not SVHN, but similar.

    Raises
    ------
    UserError
        If more digits are requested than exist, or they are not in the cache and the packages that
        render them are not installed.
    """
    request.no_argument(NAME)
    train = request.train_examples or TRAIN
    test = request.test_examples or TEST
    for keys, asked, available in (
        (f"train-examples={train}", train, TRAIN),  # test-source=spare adds the test examples
        ("validation-examples and test-examples", test, TEST),
    ):
        if asked > available:
            raise UserError(
                f"{keys}: {NAME} has {available} images for that, not {asked}; ask for fewer"
            )
    seed = request.data_seed

    def progress(done_before: int) -> Progress:
        def report(done: int, _total: int) -> None:
            if request.progress:
                request.progress(done_before + done, train + test)

        return report

    train_part, train_sha256 = _part("train", train, seed, progress(0))
    test_part, test_sha256 = _part("test", test, seed, progress(train))
    sha256 = hashlib.sha256(f"{train_sha256}{test_sha256}".encode()).hexdigest()
    name = f"{NAME}-{train}+{test}-seed{seed}"
    task = Classification(10)
    return Dataset(name, sha256, train_part, test_part, task, PUBLIC, drawn=True)


def _part(name: str, count: int, seed: int, progress: Progress) -> Cached:
    from fog_flower.data.rendered.version import renderer_version  # noqa: PLC0415

    def draw() -> Examples:
        progress(0, count)  # importing the renderer takes a while, too
        try:
            from fog_flower.data.rendered.render import render_digits  # noqa: PLC0415

            return Examples(*render_digits(name, count, seed, progress=progress))
        except BrokenExecutor as error:
            raise UserError(
                f"dataset={NAME!r}: the processes that draw {count} {name} images of data-seed="
                f"{seed} have ended early. In a script of your own, start the run below `if "
                "__name__ == '__main__':`, or draw first with `fog-flower data prepare`"
            ) from error
        except (ImportError, RuntimeError) as error:  # a library, or a package with fonts
            if (getattr(error, "name", "") or "").startswith("fog_flower"):
                raise
            raise UserError(
                f"dataset={NAME!r}: {cache_dir()} does not hold {count} {name} images of "
                f"data-seed={seed}, and what draws them is not installed here ({error}): pip "
                "install 'fog-flower[simulation]', or bring the cache from where `fog-flower data "
                "prepare` has drawn them"
            ) from error

    return cached_series(f"{NAME}-{renderer_version()}-seed{seed}-{name}", count, draw)
