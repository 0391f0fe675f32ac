"""Experiments as data: what each varies, and the figures that the paper prints."""

from simulations.experiments.central_dp import CENTRAL_DP
from simulations.experiments.epsilon import EPSILON
from simulations.experiments.experiment import Cell, Experiment, OnData, Scale
from simulations.experiments.literature import LITERATURE
from simulations.experiments.precision import PRECISION
from simulations.experiments.sharing import SHARING
from simulations.experiments.table1 import TABLE1
from simulations.experiments.table2 import TABLE2
from simulations.experiments.trilemma import TRILEMMA
from simulations.experiments.uploads import UPLOADS

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        TABLE1,
        TABLE2,
        UPLOADS,
        SHARING,
        PRECISION,
        EPSILON,
        LITERATURE,
        TRILEMMA,
        CENTRAL_DP,
    )
}

__all__ = ["EXPERIMENTS", "Cell", "Experiment", "OnData", "Scale"]
