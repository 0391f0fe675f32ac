"""The report of a benchmark: tables, picture, and the machine, versions and data used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulations.benchmark.bench_picture import draw
from simulations.benchmark.bench_tables import TABLES
from simulations.benchmark.ledger import SITTING, facts_of
from simulations.benchmark.sitting import describe_sittings, last_sittings
from simulations.reports.data_seen import data_seen
from simulations.reports.formats import machine
from simulations.reports.text_tables import write_markdown

DRAWN = "throughput"
SIDES = (
    "Sides are timed in turn; ratios are of medians. Bare Keras is `fit` on arrays in memory with "
    "all cores. The quickstart app is Flower's TensorFlow quickstart with the paper's model, data "
    "kept in memory, and no evaluation on the nodes."
)


def write_benchmark(folder: Path) -> list[tuple[str, Path]]:
    """Write ``bench.md`` and ``bench.png`` from the latest session of each case of each part."""
    parts = last_sittings(folder)
    sections = {TABLES[part].title: TABLES[part].tabulate(rows) for part, rows in parts.items()}
    facts = {part: facts_of(folder, part) for part in parts}
    notes = [SIDES] if DRAWN in parts else []
    notes += [
        _made_with(TABLES[part].title, cases, facts[part][sitting], sitting)
        for part, rows in parts.items()
        for sitting, cases in describe_sittings(part, rows).items()
    ]
    written = [("table", write_markdown(folder / "bench.md", "Benchmark", sections, notes))]
    if DRAWN in parts:
        rows = parts[DRAWN]
        about = _about([facts[DRAWN][sitting] for sitting in rows[SITTING].unique()])
        written.append(("picture", draw(rows, about, folder / "bench.png")))
    return written


def _about(facts: Sequence[Mapping[str, Any]]) -> str:
    """Return the machines and data with which the figures in the picture were measured."""
    machines = [machine(fact["hardware"]) for fact in facts]
    return "; ".join(dict.fromkeys([*machines, *map(_data, facts)]))


def _data(facts: Mapping[str, Any]) -> str:
    return data_seen([{"data": {"name": facts["data"]}}])[0]


def _made_with(part: str, cases: str, facts: Mapping[str, Any], sitting: str) -> str:
    versions = facts["versions"]
    names = ("flwr", "ray", "tensorflow", "keras")
    libraries = ", ".join(f"{name} {versions[name]}" for name in names)
    return (
        f"{part}{f' ({cases})' if cases else ''}, {sitting}: "
        f"commit {str(facts['git_commit'])[:9] or 'unknown'}"
        f"{' with changes' if str(facts['git_commit']).endswith('-modified') else ''}, "
        f"{machine(facts['hardware'])}, {facts['hardware']['memory_gib']} GiB, "
        f"{libraries}; {_data(facts)}."
    )
