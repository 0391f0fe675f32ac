"""Main result of a comparison, as one sentence and a small table at the top of its page."""

import pandas as pd

from simulations.experiments.attack_grid import HONEST, is_gated
from simulations.reports import formats
from simulations.reports.attack_grid.grid_records import (
    ComparisonRecords,
    gate_first,
    is_reference,
)
from simulations.reports.attack_grid.grid_tables import is_backdoor
from simulations.reports.data_seen import data_seen
from simulations.visible import counted


def comparison_finding(records: ComparisonRecords) -> str:
    """Return a sentence with each strategy's lowest accuracy over all attacks.

    It is about the federation with the largest share of malicious nodes, and leaves out backdoors.
    """
    runs = records.finished
    data, _ = data_seen(records.facts)
    if not len(runs):
        return f"No run on {data} has finished."
    attacked = runs[(runs["malicious"] > 0) & ~is_reference(runs)]
    attacked = attacked[~attacked["attack"].map(is_backdoor)]
    if not len(attacked):
        means = runs.groupby("strategy")["test_accuracy"].mean()
        told = ", ".join(
            f"{name} {formats.in_percent(means[name])}" for name in gate_first(means.index)
        )
        return f"Test accuracy on {data}, where accuracy shows no attack: {told}."
    nodes, malicious = max(
        zip(attacked["fog_nodes"], attacked["malicious"], strict=True),
        key=lambda one: (one[1] / one[0], one[0]),
    )
    here = (runs["fog_nodes"] == nodes) & (runs["malicious"] == malicious)
    part = attacked[here.reindex(attacked.index)]
    means = part.groupby(["strategy", "attack"])["test_accuracy"].mean()
    worst = [
        f"{name} {formats.in_percent(means[name].min())} ({means[name].idxmin()})"
        for name in gate_first(part["strategy"].unique())
    ]
    honest = runs[here & (runs["strategy"] == HONEST)]["test_accuracy"].mean()
    reach = (
        "" if pd.isna(honest) else f"; the honest nodes alone reach {formats.in_percent(honest)}"
    )
    attacks = counted(part["attack"].nunique(), "attack")
    return (
        f"With {malicious} of {nodes} fog nodes malicious, test accuracy on {data} under the worst "
        f"of {attacks}: {', '.join(worst)}{reach}."
    )


def decisions_in_short(records: ComparisonRecords) -> pd.DataFrame:
    """Return a row per strategy: mean and lowest accuracy under attack, and refused updates.

    Backdoors are left out, because their harm does not show in accuracy.
    """
    runs = records.finished
    shown = runs[(runs["malicious"] > 0) & ~runs["attack"].map(is_backdoor)] if len(runs) else runs
    lines = []
    for name in gate_first(shown["strategy"].unique()) if len(shown) else []:
        part = shown[shown["strategy"] == name]
        means = part.groupby("attack")["test_accuracy"].mean()
        line = {
            "strategy": name,
            "test accuracy, mean over attacks, %": formats.percent(means.mean()),
            "lowest, %": formats.percent(means.min()),
        }
        for who in ("malicious", "honest"):
            refused, of = (int(part[f"{who}_{what}"].sum()) for what in ("rejected", "updates"))
            told = f"{refused:,} of {of:,}" if is_gated(name) else formats.NONE
            line[f"{who} updates refused"] = told
        lines.append(line)
    return pd.DataFrame(lines)
