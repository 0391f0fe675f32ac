"""What the terminal shows: live progress of a run, and its final table."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from fog_flower.architecture import CENTRALIZED
from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.config import HALF_COSINE, NONE, RunConfig
from fog_flower.records.reading import (
    computed_in,
    figures_so_far,
    is_orphan,
    read_rounds,
    read_run,
)
from fog_flower.records.recorder import RUNNING
from simulations.reports.cost import shares

if TYPE_CHECKING:
    from simulations.experiments.realism import Realism

Rows = list[dict[str, str]]


class RunDisplay:
    """A progress bar in a terminal; in a log, a line for each round."""

    def __init__(self, console: Console, rounds: int, taken_over: int = 0) -> None:
        self._console = console
        self._rounds = rounds
        self._taken_over = taken_over  # rounds of a stopped run: they are not shown
        self._shown = taken_over + 1 if taken_over else 0
        self._first_round_at = time.monotonic()
        self._bar = Progress(
            TextColumn("[bold]round"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting Flower", total=rounds)

    def __enter__(self) -> "RunDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, rows: Rows) -> None:
        """Show the rounds that are new; row 0 is the untrained model."""
        if len(rows) <= self._taken_over + 1:
            self._first_round_at = time.monotonic()
        for row in rows[self._shown :]:
            line = f"{_round_line(row)}  {self._remaining(int(row['round']))}"
            self._bar.update(self._task, completed=int(row["round"]), description=line)
            if not self._console.is_terminal:
                self._console.print(f"round {row['round']}/{self._rounds}  {line}", soft_wrap=True)
        self._shown = max(self._shown, len(rows))

    def _remaining(self, done: int) -> str:
        if done >= self._rounds:
            return "done"
        made = done - self._taken_over
        if made <= 0:
            return ""
        seconds = (time.monotonic() - self._first_round_at) / made * (self._rounds - done)
        return f"ETA {int(seconds // 60)}:{int(seconds % 60):02d}"


def render_progress(console: Console) -> Progress:
    """Return a bar for images that are being rendered."""
    return Progress(
        TextColumn("rendering digits"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def print_run(console: Console, folder: Path) -> None:
    """Print the summary of a run: what it was, its figures, and where its pictures are."""
    run, rounds = read_run(folder), read_rounds(folder)
    status = run["status"]
    if status == RUNNING and is_orphan(folder):
        run = {**run, **figures_so_far(folder)}
        status = "stopped: no process makes it any more"
    config, data, final = run["config"], run["data"], run["final"]
    table = Table(title=f"{folder.name}: {status}", title_justify="left", show_header=False)
    table.add_column("", style="bold")
    table.add_column("", overflow="fold")
    table.add_row(
        "data",
        f"{data['name']} ({data['train_examples']:,} training, "
        f"{data['validation_examples']:,} validation, {data['test_examples']:,} test examples)",
    )
    table.add_row(
        "topology",
        f"{describe_tiers(config)}, {config['partition']}, "
        f"noise {config['noise-sigma']} {config['noise-unit']}",
    )
    table.add_row(
        "model",
        f"{config['model']}, {run['model_parameters']:,} parameters, {_precision(run)}",
    )
    table.add_row(
        "training",
        f"SGD, learning rate {describe_learning_rate(config)}, batches of {config['batch-size']}",
    )
    table.add_row(
        "merging",
        f"{config['strategy']}, gate {config['gate']}, {config['merge']}, {config['upload']}",
    )
    if config.get("attack", NONE) != NONE:
        table.add_row("attack", describe_attack(config))
    if run.get("cause"):
        table.add_row("cause", f"[red]{run['cause']}[/red]")
    for label, name in (
        ("training accuracy", "train_accuracy"),
        ("validation accuracy, local models", "local_validation_accuracy"),
        ("validation accuracy, cloud model", "cloud_validation_accuracy"),
        ("test accuracy, cloud model", "test_accuracy"),
    ):
        table.add_row(label, _percent(final.get(name)))
    table.add_row(
        "rounds",
        f"{final.get('round', 0)} of {config['num-server-rounds']}, "
        f"{final.get('rejected', 0)} updates rejected, {run['seconds']:.0f} s",
    )
    if stretches := run.get("stretches"):
        ends = ", ".join(str(stretch["last_round"]) for stretch in stretches)
        table.add_row("went on after round", ends)
    if spent := shares(rounds, data):
        table.add_row(
            "time of the rounds",
            f"training {spent.training:.1%}, validation {spent.validation:.1%}, test images "
            f"{spent.test:.1%}, the rest {spent.rest:.1%}",
        )
    if peak := run.get("peak_memory_gib"):
        table.add_row("memory of all processes, highest", f"{peak:.2f} GiB")
    if final.get("diverged"):
        table.add_row("", "[red]diverged: the cloud model is not finite[/red]")
    console.print(table)
    for row in [row for row in rounds if row["note"]][:3]:
        console.print(f"round {row['round']}: {row['note']}")
    _print_files(console, folder)


def print_realism(console: Console, result: "Realism") -> None:
    """Print what share of real digits was read, by whom, and how sure that is."""
    low, high = result.interval
    console.print(
        f"[bold]{result.accuracy:.1%}[/bold] of {result.images} real digits read "
        f"(95% CI {low:.1%} to {high:.1%})",
    )
    table = Table("real digit", *map(str, range(len(result.per_class))))
    table.add_row("read", *(f"{share:.0%}" for share in result.per_class))
    console.print(table)
    for file in result.files:
        console.print(f"{file.accuracy:.1%} of {file.images} in {file.name}", soft_wrap=True)
    console.print(
        f"trained on {result.training_images:,} rendered digits alone ({result.training_data}), "
        f"the paper's CNN, {result.epochs} epochs, SGD {result.learning_rate} falling to 0, batch "
        f"{result.batch_size}, {result.precision}, seed {result.seed}, {result.seconds:.0f} s",
        soft_wrap=True,
    )


def describe_attack(config: Mapping[str, Any]) -> str:
    """Say in words what a run's malicious fog nodes do."""
    nodes = sorted(RunConfig.from_run_config(config).malicious_nodes)
    told = {
        "strength": config["attack-strength"] or "its usual one",
        "num-server-rounds": config["attack-rounds"] or "all",
        "probability": config["attack-probability"],
    }
    return (
        f"{config['attack']} by fog nodes {', '.join(map(str, nodes))} of {config['fog-nodes']}; "
        + ", ".join(f"{name} {value}" for name, value in told.items())
    )


def describe_learning_rate(config: Mapping[str, Any]) -> str:
    """Say in words how large a run's steps are."""
    falls = config["learning-rate-schedule"] == HALF_COSINE
    return f"{config['learning-rate']}" + (", falling along half a cosine" if falls else "")


def describe_tiers(config: Mapping[str, Any]) -> str:
    """Say in words which architecture a run config has."""
    if config["architecture"] == CENTRALIZED:
        return "centralized: one cloud with all raw data"
    return f"{config['fog-nodes']} fog nodes x {config['end-nodes']} end nodes"


def _print_files(console: Console, folder: Path) -> None:
    names = ("curves.png", "rounds.csv", "updates.csv", "model.keras")
    present = [name for name in names if (folder / name).exists()]
    console.print(f"records: {folder}/ ({', '.join(['run.json', *present])})", soft_wrap=True)
    if (folder / CHECKPOINT_FILE).exists():
        console.print(f"once stopped, goes on with: fog-flower continue {folder}", soft_wrap=True)
    if (folder / "curves.png").exists():
        console.print(f"picture: {folder / 'curves.png'}", soft_wrap=True)


def _round_line(row: dict[str, str]) -> str:
    accuracy = f"test {_percent(row['test_accuracy'])}  cloud validation " + _percent(
        row["cloud_validation_accuracy"]
    )
    if row["round"] == "0":
        return f"{accuracy} (untrained)"
    asked = int(row["accepted"]) + int(row["rejected"])
    return f"{accuracy}  accepted {row['accepted']}/{asked}"


def _precision(run: Mapping[str, Any]) -> str:
    """Return the precision that ``auto`` was, where the nodes said it."""
    found = computed_in(run)
    asked = run["config"].get("precision", found)
    return found if found == asked else f"{found} ({asked})"


def _percent(value: Any) -> str:
    return "unknown" if value in (None, "", "nan") else f"{100 * float(value):.2f}%"
