"""The report of an experiment, from its records."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fog_flower.errors import UserError
from simulations.experiments import Experiment, Scale
from simulations.reports.central_dp import central_dp_part
from simulations.reports.ledger_block import ledger_block
from simulations.reports.literature import literature_part
from simulations.reports.pairs import PAIRS, pairs_part
from simulations.reports.part import Files, Part
from simulations.reports.privacy_cost import privacy_cost_part
from simulations.reports.sharing import sharing_part
from simulations.reports.sweep_records import SweepRecords, load_records
from simulations.reports.table1 import table1_part
from simulations.reports.table2 import write_table2
from simulations.sweep.sweep_folder import PLAN, fits_beside, read_plan

TABLE2 = "table2"
# Reports that describe, and those that also compare within a margin of equivalence.
_DESCRIBED: dict[str, Callable[[SweepRecords], Part]] = {
    "table1": table1_part,
    "sharing": sharing_part,
    **dict.fromkeys(("epsilon", "trilemma"), privacy_cost_part),
    "central-dp": central_dp_part,
}
_COMPARED: dict[str, Callable[[SweepRecords, float], Part]] = {
    **dict.fromkeys(PAIRS, pairs_part),
    "literature": literature_part,
}
_DEFAULT_FOLDER = "reduced"


def write_report(
    experiment: Experiment,
    scale: Scale,
    folder: Path,
    results: Path,
    margin: float,
    beside: Sequence[Path] = (),
) -> Files:
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
    if experiment.name != TABLE2:
        if beside:
            raise UserError(f"--beside {beside[0]}: only {TABLE2} can show rows of another sweep")
        part = _part(records, margin)
        return part.write(results, stem, ledger=ledger_block(records.places))
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


def _part(records: SweepRecords, margin: float) -> Part:
    name = records.experiment.name
    return _COMPARED[name](records, margin) if name in _COMPARED else _DESCRIBED[name](records)
