"""The report of an experiment, from its records."""

from collections.abc import Sequence
from pathlib import Path

from fog_flower.errors import UserError
from simulations.experiments import Experiment, Scale
from simulations.reports.central_dp import write_central_dp
from simulations.reports.literature import write_literature
from simulations.reports.pairs import PAIRS, write_pairs
from simulations.reports.privacy_cost import write_privacy_cost
from simulations.reports.sharing import write_sharing
from simulations.reports.sweep_records import SweepRecords, load_records
from simulations.reports.table1 import write_table1
from simulations.reports.table2 import write_table2
from simulations.sweep.sweep_folder import PLAN, fits_beside, read_plan

TABLE2 = "table2"
_WRITERS = {
    "table1": write_table1,
    TABLE2: write_table2,
    **dict.fromkeys(PAIRS, write_pairs),
    "literature": write_literature,
    "sharing": write_sharing,
    **dict.fromkeys(("epsilon", "trilemma"), write_privacy_cost),
    "central-dp": write_central_dp,
}
_DEFAULT_FOLDER = "reduced"


def write_report(
    experiment: Experiment,
    scale: Scale,
    folder: Path,
    results: Path,
    margin: float,
    beside: Sequence[Path] = (),
) -> list[tuple[str, Path]]:
    """Write the report of an experiment; return the name and path of each file.

    Parameters
    ----------
    experiment : Experiment
    scale : Scale
    folder : Path
        Folder of the sweep.
    results : Path
        Folder for ``tables``, ``figures`` and ``reports``.
    margin : float
        Margin of equivalence, as a fraction.
    beside : sequence of Path
        Folders of sweeps with other settings, whose accuracies and costs get rows of their own
        (only for table2).

    Raises
    ------
    UserError
        If there are no records, if ``beside`` is given for another experiment than table2, or if a
        folder in ``beside`` is not that of a sweep, fits neither experiment nor scale, or has the
        same settings as another.
    """
    stem = experiment.name
    if folder.name != _DEFAULT_FOLDER:
        stem += f"-{folder.name}"
    records = load_records(experiment, scale, folder)
    if not beside:
        return _WRITERS[experiment.name](records, results, stem, margin)
    if experiment.name != TABLE2:
        raise UserError(f"--beside {beside[0]}: only {TABLE2} can show rows of another sweep")
    others: list[SweepRecords] = []
    for place in beside:
        plan = read_plan(place)
        if not plan:
            raise UserError(f"--beside {place}: is not the folder of a sweep: it has no {PLAN}")
        fits = fits_beside(scale.name, plan["scale"])
        other = load_records(experiment, experiment.scale(plan["scale"]) if fits else scale, place)
        for seen in (records, *others):
            if (other.scale, other.overrides) == (seen.scale, seen.overrides):
                raise UserError(
                    f"--beside {place}: its runs have the same settings as those in "
                    f"{seen.folder}; name a sweep with other settings"
                )
        others.append(other)
    return write_table2(records, results, stem, margin, others)
