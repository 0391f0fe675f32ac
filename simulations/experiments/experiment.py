"""The parts of an experiment: cells, which run for several seeds at a scale."""

import dataclasses
from collections.abc import Mapping

from fog_flower.architecture import CENTRALIZED, Scalar
from fog_flower.errors import UserError
from fog_flower.suggestion import check_known

DATASET = "dataset"  # a run-config key, which a sweep may override


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
        ``mlp``, ``cnn``, or ``any`` if the model does not matter; a scale has settings for each.
    settings : mapping
        What the cell varies, as run-config keys.
    printed : mapping
        Column of the records -> the figure that the paper prints for this cell.
    tags : mapping
        Facts about the cell for its runs' records, if the configuration does not contain them.
    sized_as : str
        The name under which a scale has the cell's settings; if empty, its family.
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
        """Whether the cell is the baseline without fog nodes."""
        return self.settings.get("architecture") == CENTRALIZED


@dataclasses.dataclass(frozen=True)
class OnData:
    """Changes to a scale for one data set.

    Attributes
    ----------
    settings : mapping
        Run-config keys for every cell.
    note : str
        Replaces the scale's note, unless empty.
    """

    settings: Mapping[str, Scalar]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Scale:
    """The size of an experiment's runs.

    Attributes
    ----------
    settings : mapping
        Family, or ``sized_as`` of a cell -> run-config keys.
    engine : str
        The default engine for this size.
    seeded_data : bool
        Whether each seed renders its own digits, as it draws its own subset of SVHN.
    note : str
        How the scale differs from the paper; shown below each table and figure.
    on : mapping
        Data set -> changes for that data set.
    beside : str
        The scale of which this one is a variant, shown in rows beside it; empty if there is none.
    """

    name: str
    settings: Mapping[str, Mapping[str, Scalar]]
    engine: str
    seeded_data: bool
    note: str
    on: Mapping[str, OnData] = dataclasses.field(default_factory=dict)
    beside: str = ""

    def settings_of(self, cell: Cell, dataset: str) -> Mapping[str, Scalar]:
        """Return the scale's settings for the runs of a cell on a data set."""
        known = self.settings[cell.sized_as or cell.family]
        here = self.on.get(dataset)
        return {**known, **here.settings} if here else known

    def told(self, overrides: Mapping[str, Scalar]) -> str:
        """Return the note, with the settings that are overridden in every run.

        If an override changes a setting of the scale, the text says that the note describes the
        unchanged scale.
        """
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
        The table, figure or section that it repeats.
    varies : str
        What it varies, in words.
    """

    name: str
    source: str
    varies: str
    cells: tuple[Cell, ...]
    scales: Mapping[str, Scale]

    def scale(self, name: str) -> Scale:
        """Return the scale of that name, and raise ``UserError`` if it is unknown.

        Without a name it is the first one: ``reduced``, or the only one.
        """
        name = name or next(iter(self.scales))
        check_known(f"--scale {name!r} of {self.name}", name, self.scales)
        return self.scales[name]

    def select(self, only: str) -> tuple[Cell, ...]:
        """Return the cells whose name contains any of the comma-separated parts of ``only``.

        ``cnn,fog-5`` selects each CNN cell and each cell with 5 fog nodes; ``cnn-fog-5`` selects
        one. ``UserError`` is raised if a part selects no cell.
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
