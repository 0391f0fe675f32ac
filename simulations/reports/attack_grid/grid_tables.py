"""Tables of the accuracy of every strategy under every attack, and of the gate's decisions."""

import math

import pandas as pd

from fog_flower.data.trigger import TRIGGERS
from fog_flower.records.recorder import FINISHED
from fog_flower.renamed import completed
from simulations.experiments.attack_grid import (
    CLOUD_ALONE,
    HONEST,
    REFERENCES,
    REFIT,
    WITH_CLOUD,
    is_gated,
    stamps,
    trains_cloud,
)
from simulations.reports import formats
from simulations.reports.attack_grid.grid_goals import MARGIN
from simulations.reports.attack_grid.grid_records import (
    WORST_CLASS,
    ComparisonRecords,
    by_seed,
    cloud_alone,
    gate_first,
    is_reference,
    to_reach,
)
from simulations.reports.attack_grid.kept_tables import VARIED
from simulations.reports.data_seen import data_seen
from simulations.reports.decisions import lost
from simulations.reports.statistics import FEWEST, Summary, compare, summarise_accuracy
from simulations.sweep.sweep_plan import own_settings
from simulations.visible import counted

WORST = "The attack that costs most"
WORST_OF_CLASS = "The attack that costs a class most"
_REFERENCES = {
    HONEST: "the honest nodes alone",
    CLOUD_ALONE: "the cloud alone",
    HONEST + WITH_CLOUD: "the honest nodes and the cloud",
    CLOUD_ALONE + REFIT: "the cloud alone with its refit",
    HONEST + WITH_CLOUD + REFIT: "the honest nodes and the cloud with its refit",
}

GOALS_EXPLAINED = (
    '"reached": the cells (a federation under an attack) whose mean over seeds is at the goal.',
    '"shown": the cells whose whole 95% interval is at the goal; "-" with fewer than 3 seeds, '
    "which have no interval.",
    '"trajectories": how many of the runs differ, where runs with the same accuracies in every '
    "round count once.",
)


def is_backdoor(attack: str) -> bool:
    """Check whether an attack, with or without a strength, is a built-in backdoor."""
    return attack.partition("=")[0] in TRIGGERS


def accuracy_tables(records: ComparisonRecords) -> dict[str, pd.DataFrame]:
    """Return a table per federation, with a row per attack and a column per strategy."""
    tables = {}
    usable = records.finished
    for key, part in usable.groupby(["fog_nodes", "malicious"]):
        nodes, malicious = key
        under_attack = part[~is_reference(part)]
        names = gate_first(under_attack["strategy"].unique())
        reach = {name: to_reach(part, name) for name in names}
        lines = []
        for attack in under_attack["attack"].unique():
            line: dict[str, object] = {"attack": attack}
            rows = under_attack[under_attack["attack"] == attack]
            for name in names:
                runs = rows[rows["strategy"] == name]
                line[name] = _summary(runs)
                if is_gated(name) and len(reach[name]) and len(runs):
                    line[_less(part, name)] = _against(by_seed(runs, name), reach[name])
            lines.append(line)
        heading = f"{malicious} of {nodes} fog nodes malicious"
        for name, words in _REFERENCES.items():
            if len(runs := part[part["strategy"] == name]):
                heading += f"; {words}: {_summary(runs)}"
        tables[heading] = pd.DataFrame(lines).fillna("-")
    return tables


def worst_table(records: ComparisonRecords) -> pd.DataFrame:
    """Return a row per federation with the lowest mean accuracy of each strategy, and its attack.

    Means are over seeds. Backdoors are left out, because their harm does not show in accuracy.
    """
    runs = records.finished
    return _lowest(runs[~runs["attack"].map(is_backdoor)], "test_accuracy")


def worst_class_table(records: ComparisonRecords) -> pd.DataFrame:
    """Return the same of the accuracy in the class where it is lowest, backdoors included.

    It is empty for records that do not have it, and for tasks without classes.
    """
    runs = records.finished
    if WORST_CLASS not in runs:
        return pd.DataFrame()
    return _lowest(runs[runs[WORST_CLASS].notna()], WORST_CLASS)


def _lowest(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    names = gate_first(set(runs["strategy"]) - set(REFERENCES))
    if not names:
        return pd.DataFrame()
    lines = []
    for key, part in runs[runs["malicious"] > 0].groupby(["fog_nodes", "malicious"]):
        nodes, malicious = key
        line: dict[str, object] = {"fog nodes": nodes, "malicious": malicious}
        for name in [n for n in REFERENCES if n == HONEST or (runs["strategy"] == n).any()]:
            alone = part[part["strategy"] == name][column].astype(float)
            title = "honest alone" if name == HONEST else name
            line[title] = formats.percent(alone.mean()) if len(alone) else formats.NONE
        for name in names:
            mine = part[part["strategy"] == name].astype({column: float})
            means = mine.groupby("attack")[column].mean()
            if len(means):
                line[f"{name}, worst"] = f"{formats.percent(means.min())} ({means.idxmin()})"
        lines.append(line)
    return pd.DataFrame(lines).fillna(formats.NONE)


def backdoor_table(records: ComparisonRecords) -> pd.DataFrame:
    """Return the success rate of backdoors in percent, with its mean and 95% t interval over seeds.

    It is the share of triggered test images that the model assigns to the attacker's target digit,
    among images of other digits. A row per federation and attack, a column per strategy. The last
    column is how often the honest nodes' model answers so by itself.
    """
    runs = records.finished
    shown = runs[runs["attack"].map(is_backdoor)]
    lines = []
    for key, part in shown.groupby(["fog_nodes", "malicious", "attack"]):
        nodes, malicious, attack = key
        line = {"backdoor success, %": f"{attack}, {malicious} of {nodes} malicious"}
        for name in gate_first(part["strategy"].unique()):
            success = part[part["strategy"] == name]["backdoor_success"].astype(float)
            line[name] = formats.accuracy(summarise_accuracy(success))
        if stamps(str(attack)):
            own = _by_itself(runs, nodes, malicious)
            line |= {"honest nodes alone": formats.accuracy(own)} if own.n else {}
        lines.append(line)
    return pd.DataFrame(lines).fillna(formats.NONE)


def _by_itself(runs: pd.DataFrame, nodes: object, malicious: object) -> Summary:
    same = (runs["fog_nodes"] == nodes) & (runs["malicious"] == malicious)
    honest = runs[same & (runs["strategy"] == HONEST)]
    return summarise_accuracy(honest["backdoor_success"].astype(float).dropna())


def decision_table(records: ComparisonRecords) -> pd.DataFrame:
    """Return the share of refused updates of each gate, for honest and for malicious nodes.

    Intervals are over seeds, because decisions in one run depend on each other. Refused honest
    updates that are not finite also have a column of their own: there, local training diverged.
    """
    runs = records.finished
    runs = runs[runs["strategy"].map(is_gated)]
    lines = []
    for key, part in runs.groupby(["strategy", "attack"], sort=False):
        strategy, attack = key
        caught, false = (int(part[f"{who}_rejected"].sum()) for who in ("malicious", "honest"))
        lines.append(
            {
                "gate": strategy,
                "attack": attack,
                "honest refused": _rate_by_seed(part, "honest"),
                "of which not finite": _not_finite(records.updates, str(strategy), str(attack)),
                "malicious refused (recall)": _rate_by_seed(part, "malicious"),
                "precision": f"{100 * caught / (caught + false):.1f}%"
                if caught + false and part["malicious_updates"].any()
                else "-",
                "runs": len(part),
            }
        )
    return pd.DataFrame(lines).fillna("-")


def lost_updates(records: ComparisonRecords) -> pd.DataFrame:
    """Return how many updates of finished runs never arrived, and why, by cell and kind of node.

    A malicious node whose attack fails attacks nobody.
    """
    updates = records.updates
    if updates.empty or not (gone := lost(updates)).any():
        return pd.DataFrame()
    kinds = ["fog_nodes", "malicious", "attack", "strategy", "is_malicious"]
    every = updates.groupby(kinds).size().to_dict()
    lines = []
    for key, part in updates[gone].groupby(kinds, sort=False):
        nodes, malicious, attack, strategy, attacks = key
        lines.append(
            {
                "federation": f"{malicious} of {nodes}",
                "attack": attack,
                "strategy": strategy,
                "updates of": "malicious nodes" if attacks else "honest nodes",
                "lost": f"{len(part)} of {every[key]}",
                "most often because": part["reason"].mode()[0],
            }
        )
    return pd.DataFrame(lines)


def failures(records: ComparisonRecords) -> pd.DataFrame:
    """Return the failed runs with their causes."""
    failed = records.runs[records.runs["status"] != FINISHED]
    return failed[["fog_nodes", "malicious", "attack", "strategy", "seed", "cause"]]


def notes(records: ComparisonRecords) -> list[str]:
    """Return notes on the data, settings and seeds behind the figures."""
    config = completed(records.facts[0]["config"])
    told = [
        *("model", "train-examples", "num-server-rounds"),
        *("learning-rate", "batch-size", "partition"),
    ]
    told += [key for key in own_settings(config) if key not in told and key not in VARIED]
    spent = formats.computing(float(records.runs["seconds"].sum()))
    codes = sorted({str(fact.get("code_identity")) for fact in records.facts})
    data, _ = data_seen(records.facts)
    several = records.runs["seed"].nunique() >= FEWEST
    measured = (records.runs["strategy"] == HONEST).any()
    return [
        f"Data: {data}; seeds {_seeds(records.runs)}.",
        f"Settings: {', '.join(f'{key}={config[key]}' for key in told)}.{_arguments(records)}",
        f"{counted(len(records.runs), 'run')}, {spent} of computing, code {', '.join(codes)}.",
        (
            "Test accuracy in percent, mean ± standard deviation (95% CI) over seeds; of fewer "
            "than three seeds each one's, without an interval. "
            if several
            else "Test accuracy in percent, of each seed: fewer than three have no interval. "
        )
        + (
            '"minus honest" is the difference to the honest nodes alone in points, paired by seed, '
            f"with its 95% t interval; it is at its goal from {-100 * MARGIN:g} on. "
            if measured
            else ""
        )
        + _better_one(records)
        + "A run that diverged counts with the accuracy of its last model.",
        *(["Rates have t intervals (95%) over seeds."] if several else []),
        *(GOALS_EXPLAINED if measured else []),
    ]


def _arguments(records: ComparisonRecords) -> str:
    """Return the arguments that no name of a strategy contains, and whose they are."""
    rows = records.runs.assign(told=records.runs["arguments"].str.split("; ")).explode("told")
    several = []
    for told, part in rows[rows["told"] != ""].groupby("told"):
        whose = sorted(set(part["strategy"]), key=gate_first(records.runs["strategy"]).index)
        names = ", ".join(whose) if len(part) < len(records.runs) else "all"
        federations = sorted(set(zip(part["malicious"], part["fog_nodes"], strict=True)))
        where = ", ".join(f"{malicious} of {nodes}" for malicious, nodes in federations)
        krum = str(told).startswith("strategy-args")  # they depend on the number of malicious nodes
        several.append(f"{told} for {names}" + (f" ({where} malicious)" if krum else ""))
    return f" Further arguments: {'; '.join(several)}." if several else ""


def _better_one(records: ComparisonRecords) -> str:
    if not (records.runs["strategy"] == CLOUD_ALONE).any():
        return ""
    return '"The better one" is the better of these and the cloud alone, in the mean over seeds. '


def _seeds(runs: pd.DataFrame) -> str:
    """Return the seeds as text, and how many a cell has if not every cell has all of them."""
    seeds = sorted(int(seed) for seed in runs["seed"].unique())
    counts = runs.groupby(["fog_nodes", "malicious", "attack", "strategy"])["seed"].nunique()
    text = formats.seeds(seeds)
    if counts.min() < counts.max():
        text += f" (of which {counts.min()} to {counts.max()} in a cell)"
    return text


def _less(federation: pd.DataFrame, name: str) -> str:
    both = trains_cloud(name) and len(by_seed(federation, cloud_alone(name)))
    return f"{name} minus {'the better one' if both else 'honest'}"


def _summary(runs: pd.DataFrame) -> str:
    if not len(runs):
        return "-"
    text = formats.accuracy(summarise_accuracy(runs["test_accuracy"]))
    diverged = int(runs["diverged"].sum())
    return text + (f", {diverged} diverged" if diverged else "")


def _against(runs: "pd.Series[float]", honest: "pd.Series[float]") -> str:
    found = compare("", "", runs, honest, MARGIN)
    if not found.n:
        return "-"
    verdict = "" if found.difference >= -MARGIN else " **short**"
    return (
        f"{formats.points(found.difference)} ({formats.interval(found.low, found.high)}, "
        f"n={found.n}){verdict}"
    )


def _rate_by_seed(runs: pd.DataFrame, who: str) -> str:
    """Return the share of refused updates, with the t interval of the shares over seeds.

    Where all seeds have the same share, such as 0, the interval would have no width.
    """
    seeds = runs.groupby("seed")[[f"{who}_rejected", f"{who}_updates"]].sum()
    refused, total = (int(seeds[f"{who}_{what}"].sum()) for what in ("rejected", "updates"))
    if not total:
        return "-"
    shares = (seeds[f"{who}_rejected"] / seeds[f"{who}_updates"]).dropna()
    found = summarise_accuracy(shares)
    if len(shares) >= FEWEST and (shares == shares.iloc[0]).all():
        interval = f" (the same in all {len(shares)} seeds)"
    else:
        interval = "" if math.isnan(found.low) else f" ({formats.within(found)})"
    return f"{100 * refused / total:.1f}% of {total}{interval}"


def _not_finite(updates: pd.DataFrame, strategy: str, attack: str) -> int:
    """Return how many updates of honest nodes were refused as not finite."""
    here = updates[(updates["strategy"] == strategy) & (updates["attack"] == attack)]
    honest = ~here["is_malicious"].astype(bool)
    return int((honest & here["reason"].astype(str).str.contains("not finite")).sum())
