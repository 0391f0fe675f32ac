"""The interface of all data sources."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from fog_flower.data.preprocess import Preprocess
from fog_flower.tasks.examples import Examples, Spec
from fog_flower.tasks.task import Task

Progress = Callable[[int, int], None]  # done, total


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A data set: training and test examples, their task and their preprocessing.

    Attributes
    ----------
    name, sha256 : str
        Go into every record.
    train, test : Examples
    task : Task
    preprocess : Preprocess
        With public constants; ``normalisation=fitted`` replaces them.
    origin : str
        Where it was read from, for the record: files, containers, whether content is official.
    drawn : bool
        Whether the source draws each example at random, so that a small part may lack a class.
    """

    name: str
    sha256: str
    train: Examples
    test: Examples
    task: Task
    preprocess: Preprocess
    origin: str = ""
    drawn: bool = False

    def __post_init__(self) -> None:
        self._check("train", self.train)
        if self.train.inputs.shape[1:] != self.test.inputs.shape[1:]:
            raise ValueError(
                f"inputs of train are {list(self.train.inputs.shape[1:])}, of test "
                f"{list(self.test.inputs.shape[1:])}; give them one shape"
            )
        self._check("test", self.test)

    def _check(self, part: str, examples: Examples) -> None:
        problem = self.preprocess.problem(examples.inputs)
        problem = problem or self.task.problem(examples.targets)
        if problem:
            raise ValueError(f"{part}: {problem}")

    @property
    def spec(self) -> Spec:
        """Shape and dtype of one input, as a model sees it."""
        return self.preprocess.spec(self.train.inputs)

    def identity(self) -> str:
        """Return spec and task in one line, on which fog node and cloud must agree."""
        return json.dumps(self._spec_and_task(), sort_keys=True)

    def describe(self) -> dict[str, Any]:
        """Return spec, task and origin for the record."""
        return {**self._spec_and_task(), "origin": self.origin}

    def _spec_and_task(self) -> dict[str, Any]:
        return {**self.spec.describe(), **self.task.describe()}


def fingerprint(*parts: Examples) -> str:
    """Return the sha256 of all inputs and targets, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        for array in (part.inputs, part.targets):
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
