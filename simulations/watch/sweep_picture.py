"""Accuracy curves of all runs of a sweep, with those in progress in front."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from simulations.reports.looks import line_look
from simulations.reports.panels import show_accuracy_per_round
from simulations.reports.save_figure import names_as_they_are

NAMED = 12  # runs that get a colour and a name; if there are more, only those in progress do


@names_as_they_are
def draw_runs(rounds: Mapping[str, Sequence[Mapping[str, str]]], going: Collection[str]) -> Figure:
    """Return a figure of test accuracy per round. The caller must close it.

    Parameters
    ----------
    rounds : mapping
        Rows of ``rounds.csv``, by name of the run.
    going : collection of str
        Names of the runs in progress.
    """
    sns.set_theme(style="whitegrid", context="notebook")
    named = list(rounds) if len(rounds) <= NAMED else [name for name in rounds if name in going]
    looks = {name: line_look(number) for number, name in enumerate(named)}
    figure, panel = plt.subplots(figsize=(11, 4.6), layout="constrained")
    for name, rows in rounds.items():
        panel.plot(
            [int(row["round"]) for row in rows],
            [float(row["test_accuracy"]) for row in rows],
            **looks.get(name, {"color": "0.75"}),
            linewidth=2.5 if name in going else 1.5,
            label=name if name in looks else None,
            zorder=3 if name in going else 2,
        )
    panel.set(xlabel="round", ylabel="test accuracy", ylim=(0, 1))
    show_accuracy_per_round(panel)
    if looks:
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
