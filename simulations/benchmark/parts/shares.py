"""How the time of a round divides into training, validation and the rest."""

from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import OURS, Case, describe
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.our_run import timed_rounds

PART = "shares"
IMAGES = 14_000  # a fifth of the paper's training and validation images, for the same shares
ROUNDS = 5


def measure(plan: Plan, ledger: Ledger) -> None:
    """Time the rounds of the largest federation at a fifth of full scale."""
    for model in plan.models:
        for precision in plan.precisions:
            case = Case(OURS, model, max(plan.fog_nodes), IMAGES, ROUNDS, precision)
            plan.say(f"shares: {describe(case)}")
            for number, spent in enumerate(timed_rounds(case)):
                row = {"model": model, "fog_nodes": case.fog_nodes, "precision": precision}
                ledger.add(PART, {**row, "number": number, "images": IMAGES, **spent})
