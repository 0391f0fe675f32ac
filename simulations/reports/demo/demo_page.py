"""The demo's page, and the table, picture and sentence that the terminal shows too."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.config import NONE, RunConfig
from fog_flower.records.files import write_json
from fog_flower.records.reading import read_rounds
from simulations.experiments.attack_grid import is_gated
from simulations.experiments.demo import NAME, told
from simulations.reports.attack_grid.grid_records import ComparisonRecords, load_comparison
from simulations.reports.data_seen import data_seen
from simulations.reports.demo.demo_picture import draw_demo
from simulations.reports.formats import machine
from simulations.reports.ledger_block import ledger_block
from simulations.reports.page import Page, Section, write_page
from simulations.reports.text_tables import write_markdown
from simulations.reports.time_shares import shares
from strategies.ledger import LEDGER

TIMES = "times.json"  # in the demo's folder: seconds in total, and for drawing
NOTHING = "nothing"
_LEDGER = "The ledger: what leaves each tier, and what is promised"
_TIME, _ROUNDS = "Where the time went", "Rounds of each run"
_FAST = (
    "One round is nearly enough, because the features come from a network that was trained "
    "before, on other drawn digits. Flipped updates teach FedAvg to avoid the right answer, so it "
    "ends below what guessing would reach."
)
_READING = (
    "Each line is a run on the same digits, with the test accuracy of the cloud's model after each "
    "round. Where the line with the gate lies on that without an attack, the attack has no effect.",
    "Below it, a row is a fog node and a column a round of the run with the gate. Grey and blue "
    "are right decisions: an honest update accepted, an attacker's refused. Red and orange are "
    "wrong ones. An attacker's update that is accepted may still have a weight near 0.",
)
_DECISIONS = (
    "The gate's decisions have two rows, because they reveal something about the fog nodes' "
    "examples, and something about the cloud's validation examples."
)
_NO_PRIVACY = (
    "The noise is the paper's: 1% of a standard deviation. It is a blur, not differential privacy, "
    "and the ledger promises nothing for it. docs/privacy.md lists protections that promise "
    "something."
)


@dataclasses.dataclass(frozen=True)
class Demo:
    """Results of the demo.

    Attributes
    ----------
    finding : str
        One sentence.
    table : DataFrame
        One row per run.
    ledger : DataFrame
        One row per release of the run with a gate.
    time : DataFrame
        One row per part of the time.
    picture, page : Path
    """

    finding: str
    table: pd.DataFrame
    ledger: pd.DataFrame
    time: pd.DataFrame
    picture: Path
    page: Path


def write_demo(folder: Path) -> Demo:
    """Write ``demo.md``, ``demo.png`` and ``demo.html`` into the demo's folder.

    Raises
    ------
    UserError
        If there are no records.
    """
    records = load_comparison(folder)
    table, gated = _table(records), _gated(records)
    config = RunConfig.from_run_config(gated["config"])
    picture = draw_demo(records, config, folder / f"{NAME}.png")
    finding = _finding(records)
    ledger, warning = ledger_table(folder, gated), ledger_block([_place(folder, gated)]).warning
    time = _time_table(records, folder)
    data, _ = data_seen(records.facts)
    runs = pd.DataFrame([_shares(folder, fact) for fact in records.facts])
    made = [
        f"Data: {data}. Model {config.model}{_mapped(config)}, {config.num_server_rounds} rounds, "
        f"batches of {config.batch_size}, learning rate {config.learning_rate:g} falling to 0; one "
        "seed. It shows that the mechanism works, not how well; see docs/results/ for that.",
        f"Machine: {machine(gated['hardware'])}.",
    ]
    notes = [_FAST] * (config.features != NONE)
    sections = [
        Section("How to read it", {}, notes=[*_READING, *notes]),
        Section(_LEDGER, {"": ledger}, notes=[_DECISIONS, _NO_PRIVACY], warning=warning),
        Section(_TIME, {"": time, _ROUNDS: runs}),
    ]
    page = Page(
        title="fog-flower: one malicious fog node, and what the cloud does about it",
        finding=finding,
        table=table,
        pictures={_caption(config): picture},
        sections=sections,
        made=made,
        facts=records.facts,
        commands=[f"fog-flower {NAME}"],
        seen=f"Data: {data}.",
    )
    tables = {"": table, _LEDGER: ledger, _TIME: time, _ROUNDS: runs}
    remarks = [*([f"**{warning}**"] if warning else []), *notes, _DECISIONS, _NO_PRIVACY, *made]
    write_markdown(folder / f"{NAME}.md", page.title, tables, remarks, finding)
    return Demo(finding, table, ledger, time, picture, write_page(page, folder / f"{NAME}.html"))


def _caption(config: RunConfig) -> str:
    shipped = (
        "the digits that it ships, with the paper's noise"
        if config.features == NONE
        else "what it ships: not the digit but numbers computed from it (features), drawn as grey "
        "squares, with the paper's noise"
    )
    return (
        f"Left: digits as an end node has them; {shipped}; and that noise, made stronger to be "
        "seen. Right: test accuracy per round, and below which updates the gate accepted"
    )


def _mapped(config: RunConfig) -> str:
    if config.features == NONE:
        return ""
    return (
        f" on features={config.features} (a fixed map that every tier applies before anything is "
        "shipped, made without data of these runs)"
    )


def ledger_table(folder: Path, fact: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table of what leaves each tier in a run, and of the promise for it."""
    path = _place(folder, fact) / LEDGER
    releases = json.loads(path.read_text())["releases"]
    return pd.DataFrame(
        {
            "release": row["release"],
            "from": row["from"],
            "to": row["to"],
            "promised": NOTHING
            if row["epsilon"] is None
            else f"epsilon {row['epsilon']:.3g}, {row['unit']}"
            + (", seeded" if row["noise_can_be_drawn_again"] else ""),
        }
        for row in releases
    )


def _table(records: ComparisonRecords) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "run": told(run["malicious"], run["strategy"]),
            "test accuracy": _accuracy(run),
            "attacker's updates refused": _refused(run, "malicious"),
            "honest updates refused": _refused(run, "honest"),
            "seconds": f"{run['seconds']:.0f}",
        }
        for run in _in_order(records)
    )


def _in_order(records: ComparisonRecords) -> list[dict[Any, Any]]:
    runs = records.finished.to_dict("records")
    return sorted(runs, key=lambda run: (run["malicious"], is_gated(run["strategy"])))


def _accuracy(run: Mapping[Any, Any]) -> str:
    return f"{run['test_accuracy']:.1%}" + (" (diverged)" if run["diverged"] else "")


def _refused(run: Mapping[Any, Any], who: str) -> str:
    if not is_gated(run["strategy"]):
        return "there is no gate"
    return f"{run[f'{who}_rejected']:.0f} of {run[f'{who}_updates']:.0f}"


def _gated(records: ComparisonRecords) -> dict[str, Any]:
    return next(fact for fact in records.facts if is_gated(fact["cell"]["strategy"]))


def _finding(records: ComparisonRecords) -> str:
    unharmed, attacked, gated = _in_order(records)
    config = records.facts[0]["config"]
    images = records.facts[0]["data"]["test_examples"]
    return (
        f"{config['fog-nodes']} fog nodes train together without sending an image to the cloud, "
        f"and reach a test accuracy of {_accuracy(unharmed)} on {images:,} new digits. With one "
        f"malicious node plain FedAvg ends at {_accuracy(attacked)}. The gate, which refused "
        f"{_refused(gated, 'malicious')} updates of this node, ends at {_accuracy(gated)}."
    )


def _place(folder: Path, fact: Mapping[str, Any]) -> Path:
    cell = fact["cell"]
    found = folder.glob(f"{cell['fog_nodes']}-{cell['malicious']}/*/*/seed-*/run.json")
    return next(p.parent for p in found if json.loads(p.read_text())["cell"] == cell)


def _shares(folder: Path, fact: Mapping[str, Any]) -> dict[str, str]:
    spent = shares(read_rounds(_place(folder, fact)), fact["data"])
    assert spent is not None  # noqa: S101  (every run has rounds)
    return {
        "run": told(fact["cell"]["malicious"], fact["cell"]["strategy"]),
        "seconds": f"{spent.seconds:.0f}",
        "training": f"{spent.training:.0%}",
        "gate and validation": f"{spent.validation:.0%}",
        "test images": f"{spent.test:.0%}",
        "merging, records": f"{spent.rest:.0%}",
    }


def note_times(folder: Path, drawing: float, everything: float, together: int) -> None:
    """Write ``times.json``.

    Parameters
    ----------
    folder : Path
        Folder of the demo.
    drawing, everything : float
        Seconds for drawing the digits, and for everything up to the page.
    together : int
        Number of runs at a time.
    """
    told = {"drawing_seconds": drawing, "seconds": everything, "runs_at_a_time": together}
    write_json(folder / TIMES, told)


def _time_table(records: ComparisonRecords, folder: Path) -> pd.DataFrame:
    """Return the parts of the time; only the runs if the rest is unknown or overlaps with them."""
    path = folder / TIMES
    told = json.loads(path.read_text()) if path.exists() else {}
    together = told.get("runs_at_a_time", 1)
    runs = [float(fact["seconds"]) for fact in records.facts]
    side_by_side = together >= len(runs)
    rows = {
        f"the rounds of {len(runs)} runs, {'side by side' if side_by_side else 'added up'}": (
            max(runs) if side_by_side else sum(runs)
        )
    }
    if told and (side_by_side or together == 1):
        drawing = float(told["drawing_seconds"])
        (made,) = rows.values()
        rows = {"drawing the digits": drawing, **rows}
        rows["loading and checking"] = float(told["seconds"]) - drawing - made
    return pd.DataFrame({"part": list(rows), "seconds": [f"{s:.0f}" for s in rows.values()]})
