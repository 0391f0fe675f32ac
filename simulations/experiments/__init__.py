"""The paper's experiments as data: what each varies, and what the paper printed."""

from simulations.experiments.experiment import Cell, Experiment, Scale
from simulations.experiments.precision import PRECISION
from simulations.experiments.table1 import TABLE1
from simulations.experiments.table2 import TABLE2
from simulations.experiments.uploads import UPLOADS

EXPERIMENTS: dict[str, Experiment] = {e.name: e for e in (TABLE1, TABLE2, UPLOADS, PRECISION)}

__all__ = ["EXPERIMENTS", "Cell", "Experiment", "Scale"]
