"""Checks every strategy and model of a plan before anything is shown or run."""

from fog_flower.errors import UserError
from simulations.preflight import check_code
from simulations.sweep.plan import SweepPlan


def check_all_code(plan: SweepPlan) -> None:
    """Build each strategy and model once, with the arguments it will get.

    Raises
    ------
    UserError
        With the causes of all that cannot be built.
    """
    configs = {
        (run.config.strategy, run.config.strategy_args, run.config.merge, run.config.model): run
        for run in reversed(plan.runs)
    }
    causes = []
    for run in configs.values():
        try:
            check_code(run.config)
        except UserError as error:
            causes.append(str(error))
    if causes:
        raise UserError("; ".join(dict.fromkeys(reversed(causes))))
