"""What the records say: tables, figures, statistics, one page."""

from pathlib import Path

from simulations.experiments import Experiment, Scale
from simulations.reports.pairs import PAIRS, write_pairs
from simulations.reports.records import load_records
from simulations.reports.table1 import write_table1
from simulations.reports.table2 import write_table2

_WRITERS = {"table1": write_table1, "table2": write_table2, **dict.fromkeys(PAIRS, write_pairs)}
_DEFAULT_FOLDER = "reduced"


def write_report(
    experiment: Experiment, scale: Scale, folder: Path, results: Path, margin: float
) -> list[tuple[str, Path]]:
    """Write everything that an experiment's records give; return what is where.

    Parameters
    ----------
    experiment : Experiment
    scale : Scale
    folder : Path
        Of the sweep.
    results : Path
        Gets ``tables``, ``figures`` and ``reports``.
    margin : float
        Of equivalence, as a fraction.

    Raises
    ------
    UserError
        If there are no records.
    """
    stem = experiment.name
    if folder.name != _DEFAULT_FOLDER:
        stem += f"-{folder.name}"
    return _WRITERS[experiment.name](load_records(experiment, scale, folder), results, stem, margin)
