"""Checks that training and held-out examples have the same classes."""

import math
from collections.abc import Mapping, Sequence

from fog_flower.data.dataset import Dataset
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array
from fog_flower.tasks.task import Task

UNLIKELY = 1e-6  # probability; what random splits do more rarely than this is taken for no chance
NAMED = 3  # classes that a message names
REMEDY = (
    "use the same classes for y_train and y_test; if the data are sorted by class, shuffle them "
    "before you split them: slices such as train[:80%] keep the order of the files, but with hf: "
    'dataset-args="test=0.2" draws a fifth of the training split at random'
)
FILE_REMEDY = "use held-out-order=seeded, which draws them at random, or shuffle the test part"


def check_parts(dataset: Dataset, key: str) -> None:
    """Check the classes of a data set's training and test part.

    Each class of the test part must be in the training part, unless the source has drawn the
    examples at random. A class may be missing in the test part if chance explains it, see
    ``missed``.

    Parameters
    ----------
    dataset : Dataset
        If its task has a single group, there is nothing to check.
    key : str
        Begins the message.

    Raises
    ------
    UserError
        If a class is missing. The message names it, with the counts of both parts.
    """
    train, test = (_counts(dataset.task, part.targets) for part in (dataset.train, dataset.test))
    unknown = [n for n, count in enumerate(test) if count and not train[n]]
    missing = ([] if dataset.drawn else unknown) or missed(train, test)
    if missing:
        parts = (("training", train), ("test", test))
        raise UserError(f"{key}: {_told(dataset, missing, parts)}; {REMEDY}")


def check_file_order(dataset: Dataset, held_out: Mapping[str, Array], key: str) -> None:
    """Check sets that are cut from the test part in the order of the file.

    Parameters
    ----------
    dataset : Dataset
    held_out : mapping of str to array [k, ...]
        Targets of each set.
    key : str
        Begins the message.

    Raises
    ------
    UserError
        If one of them lacks a class of the test part, and chance does not explain it.
    """
    whole = _counts(dataset.task, dataset.test.targets)
    for name, targets in held_out.items():
        counts = _counts(dataset.task, targets)
        if missing := missed(whole, counts):
            parts = (("test part's", whole), (name, counts))
            raise UserError(f"{key}: {_told(dataset, missing, parts)}; {FILE_REMEDY}")


def missed(pool: Sequence[int], drawn: Sequence[int]) -> list[int]:
    """Return the classes that a set lacks, if a random draw from the pool would hardly lack them.

    A draw of n examples lacks a class of share p with probability (1 - p)^n. It lacks some m of k
    classes, of joint share P, with probability at most binomial(k, m) (1 - P)^n (the union bound).
    If neither is below ``UNLIKELY``, the result is empty, so small draws may lack classes.

    Parameters
    ----------
    pool, drawn : sequence of int
        Examples of each class.
    """
    classes = [n for n, count in enumerate(pool) if count]
    lacking = [n for n in classes if not drawn[n]]
    if not lacking:
        return []
    total, size = sum(pool), sum(drawn)

    def chance(share: float) -> float:
        return (1.0 - share / total) ** size

    together = math.comb(len(classes), len(lacking)) * chance(sum(pool[n] for n in lacking))
    alone = chance(max(pool[n] for n in lacking))
    return lacking if min(alone, together) < UNLIKELY else []


def _counts(task: Task, targets: Array) -> list[int]:
    return [len(members) for members in task.groups(targets)]


def _told(dataset: Dataset, missing: list[int], parts: tuple[tuple[str, list[int]], ...]) -> str:
    most = sorted(missing, key=lambda n: -max(counts[n] for _, counts in parts))
    told = [
        f"class {dataset.task.group_names[n]!r} has "
        + " and ".join(
            f"{counts[n] or 'none'} of the {sum(counts):,} {name}" for name, counts in parts
        )
        for n in most[:NAMED]
    ]
    more = f", and {len(most) - NAMED} more classes are missing" if most[NAMED:] else ""
    return f"of {dataset.name}, {', '.join(told)} examples{more}"
