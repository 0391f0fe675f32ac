"""What an experiment is: cells times seeds, at a scale."""

import dataclasses
from collections.abc import Mapping

from fog_flower.architecture import CENTRALIZED, Scalar
from fog_flower.errors import UserError

DATASET = "dataset"  # the key, which an override of a sweep says


@dataclasses.dataclass(frozen=True)
class Cell:
    """One combination that an experiment compares.

    Attributes
    ----------
    name : str
        E.g. ``cnn-fog-5``; its folder, and what ``--only`` selects.
    label : str
        Its row in a table, e.g. ``fog, 5 nodes``.
    family : str
        ``mlp``, ``cnn``, or ``any`` where the model does not matter; a scale has settings for each.
    settings : mapping
        What it varies, as run-config keys.
    printed : mapping
        Column of the records -> the figure that the paper prints for this cell.
    tags : mapping
        What its runs' records say of it, where the configuration alone does not.
    sized_as : str
        Under which name a scale has the cell's settings; empty: under its family's.
    """

    name: str
    label: str
    family: str
    settings: Mapping[str, Scalar]
    printed: Mapping[str, float] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, Scalar] = dataclasses.field(default_factory=dict)
    sized_as: str = ""

    @property
    def is_centralized(self) -> bool:
        """Whether it is the baseline without fog nodes."""
        return self.settings.get("architecture") == CENTRALIZED


@dataclasses.dataclass(frozen=True)
class OnData:
    """What is different at a scale where the runs see one data set.

    Attributes
    ----------
    settings : mapping
        Run-config keys of every cell.
    note : str
        In the place of the scale's own, if it has one.
    """

    settings: Mapping[str, Scalar]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large the runs are.

    Attributes
    ----------
    settings : mapping
        Family, or what else a cell is ``sized_as``, -> run-config keys.
    engine : str
        The one that suits this size.
    seeded_data : bool
        Whether each seed draws rendered digits of its own, as it draws other subsets of SVHN.
    note : str
        How it differs from the paper; stands below every table and figure.
    on : mapping
        Data set -> what is different there.
    beside : str
        The scale of which this one is a variant, in rows beside those; empty: of none.
    """

    name: str
    settings: Mapping[str, Mapping[str, Scalar]]
    engine: str
    seeded_data: bool
    note: str
    on: Mapping[str, OnData] = dataclasses.field(default_factory=dict)
    beside: str = ""

    def settings_of(self, cell: Cell, dataset: str) -> Mapping[str, Scalar]:
        """Return the settings of a cell's runs that make up their size, on a data set."""
        known = self.settings[cell.sized_as or cell.family]
        here = self.on.get(dataset)
        return {**known, **here.settings} if here else known

    def told(self, overrides: Mapping[str, Scalar]) -> str:
        """Return the note and what is changed in every run; it does not claim what is changed."""
        here = self.on.get(str(overrides.get(DATASET, "")), OnData({}))
        note = here.note or self.note
        if here.note:
            overrides = {key: value for key, value in overrides.items() if key != DATASET}
        if not overrides:
            return note
        changed = ", ".join(f"{key}={value}" for key, value in overrides.items())
        known = (here.settings, *self.settings.values())
        if any(key in settings for settings in known for key in overrides):
            return f"{self.name}, but with {changed} in every run (unchanged: {note})"
        return f"{note}; changed in every run: {changed}"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper, or one of ours.

    Attributes
    ----------
    source : str
        What it repeats.
    varies : str
        In words.
    """

    name: str
    source: str
    varies: str
    cells: tuple[Cell, ...]
    scales: Mapping[str, Scale]

    def scale(self, name: str) -> Scale:
        """Return the scale of that name, or say which there are."""
        if name not in self.scales:
            raise UserError(f"--scale {name!r}: {self.name} has {', '.join(self.scales)}")
        return self.scales[name]

    def select(self, only: str) -> tuple[Cell, ...]:
        """Return the cells that have any of the comma-separated ``only`` in their name.

        ``cnn,fog-5`` is every CNN cell and every cell with 5 fog nodes; ``cnn-fog-5`` is one.
        """
        wanted = [part.strip() for part in only.split(",") if part.strip()]
        for part in wanted:
            if not any(_has(cell, part) for cell in self.cells):
                names = ", ".join(cell.name for cell in self.cells)
                raise UserError(
                    f"--only {part!r}: no cell of {self.name} contains it; choose from {names}"
                )
        return tuple(
            cell for cell in self.cells if not wanted or any(_has(cell, part) for part in wanted)
        )


def _has(cell: Cell, part: str) -> bool:
    return f"-{part}-" in f"-{cell.name}-"  # whole words: fog-5 is not in fog-50
