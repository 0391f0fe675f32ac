"""The paper's claims that its Table 2 can test, judged by that table and by our runs."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from simulations.experiments.table2 import PRINTED
from simulations.reports import formats
from simulations.reports.paired_tests import MODELS, NODES, Analysis
from simulations.reports.statistics import (
    FEWEST,
    SIGNIFICANCE,
    Comparison,
    summarise,
    summarise_accuracy,
)
from simulations.reports.sweep_records import (
    LOCAL_LOSS,
    TEST,
    TRAINING,
    TRAINING_LOSS,
    SweepRecords,
)

NO_OVERFITTING_BELOW = 0.01  # as a fraction of the loss on the training images
SUPPORTED, PARTLY, OPEN = "supported", "in part", "cannot be told"
NOT_SUPPORTED = "not supported"  # by the paper's table
NOT_SHOWN = "not shown"  # by our tests, which may lack power
CONTRADICTED = "contradicted"  # by our tests, which show the opposite in every cell


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim with two verdicts and their reasons: of the paper's table, and of our runs."""

    sentence: str
    paper_verdict: str
    paper_says: str
    our_verdict: str
    ours_say: str


def judge_claims(
    records: SweepRecords, paper_metric: Analysis, test: Analysis, margin: float
) -> list[Claim]:
    """Judge every claim.

    Parameters
    ----------
    records : SweepRecords
        Records of Table 2.
    paper_metric, test : Analysis
        Analyses of the paper's validation accuracy and of test accuracy.
    margin : float
        Margin of equivalence, as a fraction.
    """
    cells = [cell.name for cell in records.cells]
    centralized = [cell.name for cell in records.cells if cell.is_centralized]
    fog = [cell for cell in cells if cell not in centralized]
    lost = records.collapsed
    judged = (
        (_fog_improves(paper_metric, test), cells),
        (_similar(test, margin), cells),
        (_cnn_better(paper_metric, test), cells),
        (_no_overfitting(records), cells),
        (_quoted_accuracies(records), centralized),
        (_falls_with_nodes(paper_metric, test), fog),
    )
    return [_with_collapses(claim, of, lost) for claim, of in judged]


def _with_collapses(claim: Claim, cells: Iterable[str], lost: Mapping[str, int]) -> Claim:
    """Add how many runs of the claim's cells collapsed, because the tests leave these out."""
    said = ", ".join(f"{cell} ({lost[cell]} collapsed)" for cell in cells if lost[cell])
    if not said:
        return claim
    return dataclasses.replace(claim, ours_say=f"{claim.ours_say}; not in the tests: {said}")


def _fog_improves(paper_metric: Analysis, test: Analysis) -> Claim:
    paper = {
        f"{m.upper()} {n} nodes": PRINTED[m, n][1] - PRINTED[m, 0][1] for m in MODELS for n in NODES
    }
    ours, against = _above(paper_metric.fog), _below(paper_metric.fog)
    on_test, against_on_test = _above(test.fog), _below(test.fog)
    return Claim(
        "Fog slightly improves on the centralized approach.",
        _verdict([difference > 0 for difference in paper.values()]),
        "validation, fog minus centralized: " + _list(paper),
        _our_verdict(ours, against, (c.n for c in paper_metric.fog)),
        f"by the paper's validation significantly above centralized in {sum(ours)} and below in "
        f"{sum(against)} of {len(ours)} cells; on test images above in {sum(on_test)} and below in "
        f"{sum(against_on_test)}" + _list({c.first: c.difference for c in test.fog}, ": "),
    )


def _similar(test: Analysis, margin: float) -> Claim:
    paper = [abs(PRINTED[m, n][1] - PRINTED[m, 0][1]) <= margin for m in MODELS for n in NODES]
    ours = [c.p_equivalent_adjusted < SIGNIFICANCE for c in test.fog]
    against = [c.low > margin or c.high < -margin for c in test.fog]
    return Claim(
        "Accuracy is similar to the centralized approach (abstract).",
        _verdict(paper),
        f"validation within {100 * margin:g} points of centralized in {sum(paper)} of "
        f"{len(paper)} cells",
        _our_verdict(ours, against, (c.n for c in test.fog)),
        f"shown equivalent within {100 * margin:g} points on test images in {sum(ours)} of "
        f"{len(ours)} cells (two one-sided tests, Holm); 95% CI wholly outside of that in "
        f"{sum(against)}",
    )


def _cnn_better(paper_metric: Analysis, test: Analysis) -> Claim:
    labels = {0: "centralized", **{n: f"{n} nodes" for n in NODES}}
    paper = {label: PRINTED["cnn", n][1] - PRINTED["mlp", n][1] for n, label in labels.items()}
    ours, by_paper = _above(test.models), _above(paper_metric.models)
    return Claim(
        "The CNN is significantly better than the MLP.",
        _verdict([difference >= 0.01 for difference in paper.values()]),
        "validation, CNN minus MLP: " + _list(paper) + "; no test of significance is given",
        _our_verdict(ours, _below(test.models), (c.n for c in test.models)),
        f"significantly better on test images in {sum(ours)} of {len(ours)} architectures, by the "
        f"paper's validation in {sum(by_paper)}"
        + _list({c.first.removeprefix("cnn-"): c.difference for c in test.models}, "; on test: "),
    )


def _no_overfitting(records: SweepRecords) -> Claim:
    """Judge by loss, as the paper does ("the percentage difference in loss")."""
    paper = {
        f"{m.upper()} {f'{n} nodes' if n else 'centralized'}": training - validation
        for (m, n), (training, validation) in PRINTED.items()
    }
    gaps = {}
    for cell in records.cells:
        training = records.final(cell, TRAINING_LOSS)
        gaps[cell.name] = summarise((records.final(cell, LOCAL_LOSS) - training) / training)
    limit = NO_OVERFITTING_BELOW
    within = [-limit < gap.low and gap.high < limit for gap in gaps.values()]
    outside = [gap.low > limit or gap.high < -limit for gap in gaps.values()]
    told = {name: f"{100 * gap.mean:+.0f}%" for name, gap in gaps.items() if gap.n}
    return Claim(
        "Training and validation differ by less than 1% in loss, so there is no overfitting.",
        OPEN,
        "losses are not printed; accuracy in training minus validation: " + _list(paper),
        _our_verdict(within, outside, (gap.n for gap in gaps.values())),
        f"validation loss above training loss, in percent of the latter: 95% CI within 1% in "
        f"{sum(within)} and outside of it in {sum(outside)} of {len(within)} cells"
        + ("; " + ", ".join(f"{name} {gap}" for name, gap in told.items()) if told else ""),
    )


def _quoted_accuracies(records: SweepRecords) -> Claim:
    said = []
    for model in MODELS:
        training, test = (
            summarise_accuracy(records.final(f"{model}-centralized", metric))
            for metric in (TRAINING, TEST)
        )
        if training.n:
            said.append(
                f"{model.upper()} {formats.accuracy(training)} in training, "
                f"{formats.accuracy(test)} on test images"
            )
    return Claim(
        "The centralized models reach 88.92% (MLP) and 94.08% (CNN).",
        NOT_SUPPORTED,
        "both are training accuracies; its validation is 78.41% and 88.78%",
        OPEN,
        f"on {records.data}, centralized: " + ("; ".join(said) or "not run"),
    )


def _falls_with_nodes(paper_metric: Analysis, test: Analysis) -> Claim:
    paper = [PRINTED[m, 3][1] > PRINTED[m, 5][1] > PRINTED[m, 7][1] for m in MODELS]
    trends = (*paper_metric.trends, *test.trends)
    falls = [t.p_adjusted < SIGNIFICANCE and t.falls for t in trends]
    grows = [t.p_adjusted < SIGNIFICANCE and not t.falls for t in trends]
    slopes = {f"{t.label.upper()}, validation": t.slope for t in paper_metric.trends}
    slopes |= {f"{t.label.upper()}, test": t.slope for t in test.trends}
    return Claim(
        "(implied by the table) Accuracy falls from 3 over 5 to 7 fog nodes.",
        _verdict(paper),
        "validation falls for both models" if all(paper) else "not for both models",
        _our_verdict(falls, grows, (t.n for t in test.trends)),
        f"a significant fall in {sum(falls)} and a growth in {sum(grows)} of {len(falls)} trends "
        "(Page's test, Holm)" + _list(slopes, "; points per additional fog node: "),
    )


def _verdict(holds: Sequence[bool], otherwise: str = NOT_SUPPORTED) -> str:
    if not holds:
        return OPEN
    return SUPPORTED if all(holds) else PARTLY if any(holds) else otherwise


def _our_verdict(holds: Sequence[bool], against: Sequence[bool], seeds: Iterable[int]) -> str:
    """Return a verdict from tests; ``OPEN`` with fewer than three seeds, which have no tests."""
    otherwise = CONTRADICTED if against and all(against) else NOT_SHOWN
    return _verdict(holds if max(seeds, default=0) >= FEWEST else [], otherwise)


def _above(comparisons: Iterable[Comparison]) -> list[bool]:
    return [c.p_adjusted < SIGNIFICANCE and c.difference > 0 for c in comparisons]


def _below(comparisons: Iterable[Comparison]) -> list[bool]:
    return [c.p_adjusted < SIGNIFICANCE and c.difference < 0 for c in comparisons]


def _list(differences: dict[str, float], before: str = "") -> str:
    """Return ``before`` and the differences in points; an empty string if there are none."""
    told = ", ".join(f"{label} {formats.points(value)}" for label, value in differences.items())
    return before + told if told else ""
