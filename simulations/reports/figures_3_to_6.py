"""Figures 3 to 6 in the paper's layout: accuracy per epoch, with a band over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulations.reports.looks import COLOURS
from simulations.reports.panels import lines_of, show_accuracy_per_round
from simulations.reports.save_figure import names_as_they_are, save_figure
from simulations.reports.statistics import FEWEST, summarise_accuracy
from simulations.reports.sweep_records import LOCAL, TRAINING, SweepRecords
from simulations.visible import counted

VALIDATION_LABEL = "validation"
OF_LOCAL_MODELS = ", mean of local models"
TRAINING_LABEL = "training"
MODELS = {"mlp": "MLP", "cnn": "CNN"}
# (figure, model, number of fog nodes in each panel; 0 is centralized)
FIGURES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("3", "mlp", (0,)),
    ("4", "cnn", (0,)),
    ("5", "mlp", (3, 5, 7)),
    ("6", "cnn", (3, 5, 7)),
)


@names_as_they_are
def draw_figures(records: SweepRecords, folder: Path, stem: str) -> dict[str, Path]:
    """Draw each figure that has records, as PNG and SVG; return the path of each PNG.

    Parameters
    ----------
    records : SweepRecords
        Records of Table 2.
    folder : Path
    stem : str
        Prefix of the file names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recorded = set(records.rounds["cell"]) if len(records.rounds) else set()
    drawn = {}
    for number, model, panels in FIGURES:
        if not all(_cell_name(model, nodes) in recorded for nodes in panels):
            continue
        figure = _draw(records, model, panels)
        path = folder / f"{stem}-figure-{number}.png"
        drawn[f"Figure {number}"] = save_figure(figure, path, dpi=130)
    return drawn


def figures_of(drawn: Mapping[str, Path]) -> tuple[str, list[str]]:
    """Return a heading for the drawn figures, and a note on those that lack records."""
    numbers = [number for number, _, _ in FIGURES if f"Figure {number}" in drawn]
    absent = [row for row in FIGURES if row[0] not in numbers]
    heading = f"Figure{'s' * (len(numbers) > 1)} {', '.join(numbers[:-1])}"
    heading += f"{' and ' * (len(numbers) > 1)}{numbers[-1]}"
    notes = [
        f"Figure {number} is not drawn: not all of its cells have run "
        f"({', '.join(_cell_name(model, nodes) for nodes in panels)})."
        for number, model, panels in absent
    ]
    return heading, notes


def _draw(records: SweepRecords, model: str, panels: Sequence[int]) -> Figure:
    sns.set_theme(style="whitegrid", context="notebook")
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(7.5 if len(panels) == 1 else 13, 5),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for letter, nodes, panel in zip("abc", panels, axes[0], strict=False):
        seeds = _draw_panel(records, _cell_name(model, nodes), panel)
        where = f"{nodes} fog nodes" if nodes else "centralized"
        prefix = f"({letter}) " if len(panels) > 1 else ""
        panel.set(title=f"{prefix}{where}, {seeds}", xlabel="epoch")
        show_accuracy_per_round(panel)
    axes[0][0].set(ylabel="accuracy")
    lines = lines_of(axes[0])
    names = sorted(lines, key=lambda label: (not label.startswith("training"), label))
    figure.legend([lines[name] for name in names], names, loc="outside right center", fontsize=8)
    comma = "\nother" if len(panels) == 1 else ", other"
    figure.suptitle(
        f"{MODELS[model]}, {records.scale.name} scale, on {records.data.replace(', other', comma)}",
        fontsize=11,
    )
    figure.supxlabel(
        _line_and_band(records, [_cell_name(model, nodes) for nodes in panels])
        + _validated(records, _cell_name(model, panels[0])),
        fontsize=9,
        color="0.3",
    )
    return figure


def _draw_panel(records: SweepRecords, cell: str, axes: Axes) -> str:
    training, validation = _training(records, cell), _validation(records, cell)
    nodes = list(dict.fromkeys(training["curve"]))
    # To be readable in black and white, training is thin with different dashes, and validation is
    # thick, solid and black. Bands of several nodes would hide each other, so these have none.
    sns.lineplot(
        training,
        x="round",
        y="accuracy",
        hue="curve",
        style="curve",
        palette=[COLOURS[number % len(COLOURS)] for number in range(len(nodes))],
        dashes=[(1 + number, 1 + number / 2) for number in range(len(nodes))],
        linewidth=1.4,
        errorbar=_band if len(nodes) == 1 else None,
        err_kws={"alpha": 0.2},
        ax=axes,
    )
    sns.lineplot(
        validation,
        x="round",
        y="accuracy",
        label=VALIDATION_LABEL + (OF_LOCAL_MODELS if len(nodes) > 1 else ""),
        color="black",
        linewidth=2.6,
        errorbar=_band,
        err_kws={"alpha": 0.15},
        ax=axes,
    )
    axes.legend().remove()  # one legend for all panels stands beside them and covers no line
    seeds = training["seed"].nunique()
    return counted(seeds, "seed")


def _line_and_band(records: SweepRecords, cells: Sequence[str]) -> str:
    """Explain lines and bands, as far as there are several seeds."""
    rounds = records.rounds
    seeds = [rounds.loc[rounds["cell"] == cell, "seed"].nunique() for cell in cells]
    if max(seeds) == 1:
        return "line: the accuracies of the seed"
    if max(seeds) < FEWEST:
        return f"line: mean over seeds; no band with fewer than {FEWEST}"
    some = "" if min(seeds) >= FEWEST else f", from {FEWEST} seeds on"
    return f"line: mean over seeds; band: standard deviation over seeds{some}"


def _band(values: "pd.Series[float]") -> tuple[float, float]:
    """Return mean -/+ standard deviation, cut at 0 and 1; NaN with fewer than ``FEWEST`` seeds."""
    found = summarise_accuracy(values)
    return max(found.mean - found.sd, 0.0), min(found.mean + found.sd, 1.0)


def _training(records: SweepRecords, cell: str) -> pd.DataFrame:
    updates = records.updates
    chosen = updates[updates["cell"] == cell][["seed", "round", "fog_node", TRAINING]].copy()
    many = chosen["fog_node"].max() > 0
    chosen["curve"] = [
        f"training, fog node {node + 1}" if many else TRAINING_LABEL for node in chosen["fog_node"]
    ]
    return chosen.rename(columns={TRAINING: "accuracy"}).sort_values("fog_node", kind="stable")


def _validation(records: SweepRecords, cell: str) -> pd.DataFrame:
    rounds = records.rounds
    chosen = rounds[(rounds["cell"] == cell) & (rounds["round"] > 0)][["seed", "round", LOCAL]]
    return chosen.rename(columns={LOCAL: "accuracy"})


def _validated(records: SweepRecords, cell: str) -> str:
    """Return a note on the number of validation images, if only the last round uses all of them."""
    seed = records.rounds.loc[records.rounds["cell"] == cell, "seed"].iloc[0]
    fact = records.fact(cell, int(seed))
    looked_at = fact["config"].get("local-validation-examples", 0)  # 0, or an older record: all
    every = fact["data"]["validation_examples"]
    if not 0 < looked_at < every:
        return ""
    return f"\nvalidation: of {looked_at:,} images a round, of all {every:,} in the last"


def _cell_name(model: str, nodes: int) -> str:
    return f"{model}-fog-{nodes}" if nodes else f"{model}-centralized"
