"""The page of a benchmark: its tables, its picture, and with what it was measured."""

from pathlib import Path

from simulations.benchmark.figures import draw
from simulations.benchmark.sitting import facts_of, last_sittings
from simulations.benchmark.tables import TABLES
from simulations.reports.data_seen import data_seen
from simulations.reports.writing import write_markdown


def write_benchmark(folder: Path) -> list[tuple[str, Path]]:
    """Write ``bench.md`` and ``bench.png`` from the last sitting of each part."""
    sittings = last_sittings(folder)
    sections = {TABLES[part][0]: TABLES[part][1](rows) for part, rows in sittings.items()}
    facts = {part: facts_of(folder, part) for part in sittings}
    notes = [
        "Sides are timed in turn, in one sitting; ratios are of medians. Bare Keras is `fit` on "
        "arrays in memory with all cores. The quickstart app is Flower's TensorFlow quickstart "
        "with the paper's model, data kept in memory, and no evaluation on the nodes.",
        *dict.fromkeys(_made_with(fact) for fact in facts.values()),
    ]
    written = [("table", write_markdown(folder / "bench.md", "Benchmark", sections, notes))]
    some = next(iter(facts.values()))
    about = f"{_machine(some)}; {_data(some)}"
    if picture := draw(sittings, about, folder / "bench.png"):
        written.append(("picture", picture))
    return written


def _machine(facts: dict[str, dict[str, object]]) -> str:
    hardware = facts["hardware"]
    return f"{hardware['cores']} cores of {hardware['processor']}"


def _data(facts: dict[str, dict[str, object]]) -> str:
    return data_seen([{"data": {"name": facts["data"]}}])[0]


def _made_with(facts: dict[str, dict[str, object]]) -> str:
    versions = facts["versions"]
    names = ("flwr", "ray", "tensorflow", "keras")
    libraries = ", ".join(f"{name} {versions[name]}" for name in names)
    return (
        f"Machine: {_machine(facts)}, {facts['hardware']['memory_gib']} GiB. {libraries}. "
        f"Data: {_data(facts)}. Commit {str(facts['git_commit'])[:9] or 'unknown'}, "
        f"{facts['sitting']}."
    )
