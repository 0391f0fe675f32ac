"""Checks all plug-ins of a plan before anything is shown or run."""

from fog_flower.config import PLUG_INS, RunConfig
from fog_flower.errors import UserError
from simulations.preflight import check_plug_ins
from simulations.sweep.sweep_plan import SweepPlan


def _code(config: RunConfig) -> tuple[str, ...]:
    values = config.to_run_config()
    return tuple(str(values[key]) for key in (*PLUG_INS, "strategy-args", "gate-args", "merge"))


def check_all_code(plan: SweepPlan) -> None:
    """Load and build each plug-in once, with the arguments that its runs use.

    Raises
    ------
    UserError
        With the causes of all failures.
    """
    configs = {_code(run.config): run for run in reversed(plan.runs)}
    causes = []
    for run in configs.values():
        try:
            check_plug_ins(run.config)
        except UserError as error:
            causes.append(str(error))
    if causes:
        raise UserError("; ".join(dict.fromkeys(reversed(causes))))
