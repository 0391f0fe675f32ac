"""How the cost grows with data and with rounds."""

from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import IMAGES, OURS, Case
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.our_run import timed_rounds

PART = "growth"
TIMES = 4
MODEL, FOG_NODES = "cnn", 3


def measure(plan: Plan, ledger: Ledger) -> None:
    """Time the CNN with four times the data, and four times the rounds.

    Each repeat runs all cases, so that slow periods of the machine affect all of them.
    """
    least = IMAGES[MODEL]
    cases = [("data", _case(plan, least * times)) for times in (1, TIMES)]
    cases += [("rounds", _case(plan, least, times)) for times in (1, TIMES)]
    for repeat in range(plan.repeats):
        for what, case in cases:
            plan.say(f"growth: {case.images:,} images, {case.rounds} rounds")
            # The number of the gate's images is fixed, so that only the measured quantity grows.
            rounds = timed_rounds(
                case, validation_examples=500, gate_args="examples=50", reference_examples=100
            )
            for number, spent in enumerate(rounds):
                row = {"what": what, "precision": case.precision, "fog_nodes": case.fog_nodes}
                ledger.add(
                    PART,
                    {
                        **row,
                        "images": case.images,
                        "rounds": case.rounds,
                        "repeat": repeat,
                        "number": number,
                        **spent,
                    },
                )


def _case(plan: Plan, images: int, times: int = 1) -> Case:
    """Return a case in the last precision of the plan."""
    return Case(OURS, MODEL, FOG_NODES, images, plan.rounds * times, plan.precisions[-1])
