"""Shares of the time of a run's rounds, from its records."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

PARTS = ("training", "validation", "test", "rest")  # fields of ``Shares``, in the order of tables


@dataclasses.dataclass(frozen=True)
class Shares:
    """Shares of the time of all rounds, 0 to 1.

    Attributes
    ----------
    training : float
        From sending W to having all updates.
    validation : float
        The gate, the local models (the paper's metric), and the merged model on all validation
        images.
    test : float
        The merged model on the test images. This only measures, and is not part of the system.
    rest : float
        Merging, records, messages.
    seconds : float
        Total time of all rounds.
    """

    training: float
    validation: float
    test: float
    rest: float
    seconds: float


def shares(rounds: Iterable[Mapping[str, str]], data: Mapping[str, Any]) -> Shares | None:
    """Return the shares of time in the rows of ``rounds.csv``; None if no round has trained.

    Parameters
    ----------
    rounds : iterable of mapping
        Rows of ``rounds.csv``.
    data : mapping
        ``data`` of ``run.json``. The time to evaluate the merged model is split in proportion to
        the numbers of validation and test images.
    """
    trained = [row for row in rounds if row["round"] != "0"]

    def total(name: str) -> float:
        return sum(float(row[name]) for row in trained)

    seconds = total("round_seconds") if trained else 0.0
    if not seconds > 0.0:
        return None
    images = int(data["validation_examples"]), int(data["test_examples"])
    validating = images[0] / sum(images)
    training = total("train_seconds") / seconds
    evaluation = total("evaluation_seconds") / seconds
    validation = total("validation_seconds") / seconds + validating * evaluation
    test = (1.0 - validating) * evaluation
    return Shares(training, validation, test, 1.0 - training - validation - test, seconds)
