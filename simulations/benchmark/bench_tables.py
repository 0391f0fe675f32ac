"""Tables of a benchmark: medians with their range, and ratios of medians."""

import dataclasses
import math
from collections.abc import Callable

import pandas as pd

from simulations.benchmark.cases import BARE, QUICKSTART
from simulations.benchmark.parts.memory import PEAK
from simulations.benchmark.parts.private import PLAIN, PRIVATE

STEADY = ["training_seconds", "validation_seconds", "rest_seconds"]
BASE_NODES = 3  # the number of fog nodes with which others are compared
EXPONENT_FROM = 100  # fog nodes: with fewer, constant costs matter too


def throughput(rows: pd.DataFrame) -> pd.DataFrame:
    """Return images per second of training, compared with the bare loop and the quickstart app."""
    rows = rows.assign(speed=rows["images"] / rows["seconds"])
    rows = rows.sort_values(["model", "fog_nodes"], kind="stable")
    medians = rows.groupby(["model", "fog_nodes", "side", "precision"])["speed"].median()
    table = []
    for (model, nodes, precision, side), group in rows.groupby(
        ["model", "fog_nodes", "precision", "side"], sort=False
    ):
        speed = group["speed"].median()
        bare = medians.get((model, nodes, BARE, precision))
        plain = medians.get((model, nodes, QUICKSTART, "float32"))
        table.append(
            {
                "model": model,
                "fog nodes": nodes,
                "side": side,
                "precision": precision,
                "images/s, median (range)": _spread(group["speed"], "{:,.0f}"),
                "of the bare loop": _ratio(speed, bare) if side != BARE else "",
                "of the quickstart app": _ratio(speed, plain) if side != QUICKSTART else "",
                "timed": len(group),
            }
        )
    return pd.DataFrame(table)


def growth(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the time per image for growing numbers of images and rounds.

    Relative figures compare with the smallest number of images or rounds.
    """
    rows = rows.assign(
        training=1e3 * rows["training_seconds"] / rows["images"],
        round=1e3 * rows[STEADY].sum(axis=1) / rows["images"],
    )
    table = []
    for what, family in rows.groupby("what", sort=False):
        groups = dict(list(family.groupby(["images", "rounds"])))
        first = min(groups)
        for (images, rounds), group in groups.items():
            entry = {
                "grows": what,
                "precision": group["precision"].iloc[0],
                "fog nodes": group["fog_nodes"].iloc[0],
                "images": f"{images:,}",
                "rounds": rounds,
            }
            for measure in ("training", "round"):
                base = groups[first][measure].median()
                entry[f"{measure}, ms an image"] = _spread(group[measure], "{:.2f}")
                entry[f"{measure}, relative"] = _ratio(group[measure].median(), base)
            table.append(entry)
    return pd.DataFrame(table)


def scale(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the gate's share of a round, and how the cost of a round grows with fog nodes.

    ``n^`` is the exponent of growth of CPU seconds from 100 fog nodes; wall-clock time would also
    depend on other processes. ``relative`` compares the time per image with that of 3 fog nodes.
    Shares and ratios exclude the test images.
    """
    seconds = rows[STEADY].sum(axis=1)
    rows = rows.assign(
        seconds=seconds, share=rows["gate_seconds"] / seconds, image=1e3 * seconds / rows["images"]
    )
    table = []
    for (what, model, attack), family in rows.groupby(["what", "model", "attack"], sort=False):
        least, few = (family[family["fog_nodes"] == n] for n in (EXPONENT_FROM, BASE_NODES))
        for count in family["fog_nodes"].unique().tolist():
            group = family[family["fog_nodes"] == count]
            grown = len(least) and count > EXPONENT_FROM
            base = few["image"].median() if count != BASE_NODES else None
            table.append(
                {
                    "what": what,
                    "model": model,
                    "attack": attack,
                    "fog nodes": f"{count:,}",
                    "round, s": _spread(group["seconds"], "{:.2f}"),
                    "of it the gate": _spread(group["share"], "{:.1%}"),
                    "ms an image": _spread(group["image"], "{:.2f}"),
                    "relative": _ratio(group["image"].median(), base),
                    "processor, s": _spread(group["cpu_seconds"], "{:.2f}"),
                    "n^": _exponent(least, group) if grown else "",
                    "peak, GiB": _gibibytes(group["peak_mebibytes"].max()),
                    "load": _spread(group["load"], "{:.1f}"),
                    "timed": len(group),
                }
            )
    return pd.DataFrame(table)


def start(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the seconds from the command to the start of round 1."""
    return pd.DataFrame(
        {
            "engine": engine,
            "start of": what,
            "seconds, median (range)": _spread(group["seconds"], "{:.1f}"),
            "timed": len(group),
        }
        for (engine, what), group in rows.groupby(["engine", "what"], sort=False)
    )


def memory(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the peak of memory, and the memory of a long run in early and late rounds."""
    table = []
    for (what, model, nodes, precision, images), group in rows.groupby(
        ["what", "model", "fog_nodes", "precision", "images"], sort=False
    ):
        where = f"{model}, {nodes} fog nodes, {precision}, {images:,} images"
        if what == PEAK:
            value = _gibibytes(group["mebibytes"].max())
            table.append(
                {"run": where, "what": f"peak of {group['round'].max()} rounds", "GiB": value}
            )
            continue
        for name, part in _early_and_late(group).items():
            value = _gibibytes(part["mebibytes"].median())
            table.append({"run": where, "what": f"median of rounds {name}", "GiB": value})
    return pd.DataFrame(table)


def private(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the time of an epoch of DP-SGD, relative to the alternating epochs of plain SGD."""
    table = []
    for model, group in rows.groupby("model", sort=False):
        sides = {side: part.set_index("number")["seconds"] for side, part in group.groupby("side")}
        ratios = sides[PRIVATE] / sides[PLAIN]
        table.append(
            {
                "model": model,
                "plain SGD, s": _spread(sides[PLAIN], "{:.2f}"),
                "DP-SGD, s": _spread(sides[PRIVATE], "{:.2f}"),
                "ratio of neighbours, median (range)": _spread(ratios, "{:.2f}"),
                "timed": len(ratios),
            }
        )
    return pd.DataFrame(table)


def _early_and_late(rounds: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the second and the last quarter of a run's rounds; the first fills caches."""
    last = int(rounds["round"].max())
    quarters = ((last // 4 + 1, last // 2), (3 * last // 4 + 1, last))
    return {
        f"{low} to {high}": rounds[rounds["round"].between(low, high)] for low, high in quarters
    }


def _exponent(least: pd.DataFrame, group: pd.DataFrame) -> str:
    """Return x if CPU seconds grow as n^x with the number of fog nodes n."""
    spent, nodes = (group[c].median() / least[c].median() for c in ("cpu_seconds", "fog_nodes"))
    return f"{math.log(spent) / math.log(nodes):.2f}"


def _spread(values: "pd.Series[float]", pattern: str) -> str:
    show = pattern.format
    return f"{show(values.median())} ({show(values.min())} to {show(values.max())})"


def _ratio(value: float, base: float | None) -> str:
    return "" if base is None or pd.isna(base) else f"{value / base:.2f}"


def _gibibytes(mebibytes: float) -> str:
    return f"{mebibytes / 1024:.2f}"


@dataclasses.dataclass(frozen=True)
class Table:
    """The table of a part.

    Attributes
    ----------
    title : str
    tabulate : callable
        Makes the table from the part's rows.
    case : tuple of str
        Columns that define the cases of the part. Rows of a case are compared, so they need to be
        of one session.
    """

    title: str
    tabulate: Callable[[pd.DataFrame], pd.DataFrame]
    case: tuple[str, ...]


TABLES: dict[str, Table] = {
    "throughput": Table("Training throughput", throughput, ("model", "fog_nodes")),
    "growth": Table("How cost grows", growth, ("what",)),
    "scale": Table("Many fog nodes (inline engine)", scale, ("what",)),
    "start": Table("From the command to round 1, caches warm", start, ()),
    "memory": Table(
        "Memory of all processes together (proportional set size)",
        memory,
        ("what", "model", "precision"),
    ),
    "private": Table(
        "What DP-SGD costs: epochs of batches of 256, noise included", private, ("model",)
    ),
}
