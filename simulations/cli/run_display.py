"""Terminal output of a run: live progress and the final table."""

import shlex
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.table import Table
from rich.text import Text

from fog_flower.architecture import CENTRALIZED
from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.config import HALF_COSINE, NONE, PIXEL, RunConfig
from fog_flower.named import split_names
from fog_flower.records.reading import (
    computed_in,
    figures_so_far,
    is_orphan,
    merges_taken,
    read_rounds,
    read_run,
)
from fog_flower.records.recorder import FAILED, FINISHED, RUNNING
from fog_flower.user_code import USER_CODE
from simulations.cli.ledger_display import print_ledger
from simulations.cli.terminal import Display, Terminal, styled
from simulations.reports.time_shares import shares
from simulations.visible import counted

if TYPE_CHECKING:
    from simulations.experiments.realism import Realism

Rows = list[dict[str, str]]
STOPPED = "stopped: its process has ended"
NOTES = 3  # notes of rounds that are shown below the table
LISTED = 8  # rounds of a merge that are named
ARGUMENTS = ("strategy-args", "gate-args")
UNCHANGED = ("W is kept", "returned W unchanged")  # in a round's note


class RunDisplay(Display):
    """A progress bar in a terminal, or a line per round in a log."""

    def __init__(self, terminal: Terminal, rounds: int, folder: Path, taken_over: int = 0) -> None:
        super().__init__(terminal, "round")
        self._rounds = rounds
        self._folder = folder
        self._taken_over = taken_over  # rounds of a stopped run, which are not shown
        self._shown = taken_over + 1 if taken_over else 0
        self._first_round_at = time.monotonic()
        self._task = self._bar.add_task("starting Flower", total=rounds)

    def __enter__(self) -> Self:
        if not self._terminal.is_terminal:
            self._terminal.say("starting Flower")
        return super().__enter__()

    def update(self, rows: Rows) -> None:
        """Show the rounds that were not shown yet; row 0 is the untrained model."""
        if len(rows) <= self._taken_over + 1:
            self._first_round_at = time.monotonic()
        merges = merges_taken(self._folder) if rows[self._shown :] else {}
        for row in rows[self._shown :]:
            told = _round_line(row, merges.get(int(row["round"]), ""))
            line = f"{told}  {self._remaining(int(row['round']))}"
            self._bar.update(self._task, completed=int(row["round"]), description=line)
            if not self._terminal.is_terminal:
                self._terminal.say(f"round {row['round']}/{self._rounds}  {line}")
        self._shown = max(self._shown, len(rows))

    def _remaining(self, done: int) -> str:
        if done >= self._rounds:
            return "done"
        made = done - self._taken_over
        if made <= 0:
            return ""
        seconds = (time.monotonic() - self._first_round_at) / made * (self._rounds - done)
        return f"ETA {int(seconds // 60)}:{int(seconds % 60):02d}"


def print_run(terminal: Terminal, folder: Path) -> None:
    """Print the summary of a run: its settings, results, ledger, notes and files."""
    run, rounds = read_run(folder), read_rounds(folder)
    if run["status"] == RUNNING and is_orphan(folder):
        run = {**run, **figures_so_far(folder), "status": STOPPED}
    table = Table(title=f"{folder.name}: {_status(run)}", title_justify="left", show_header=False)
    table.add_column("", style="bold")
    table.add_column("", overflow="fold")
    for label, text in (*_what_it_was(run), *_its_figures(run, rounds, merges_taken(folder))):
        table.add_row(label, text)
    terminal.print(table)
    print_ledger(terminal, folder)
    noted = [row for row in rounds if row["note"]]
    for row in noted[:NOTES]:
        terminal.say(f"round {row['round']}: {row['note']}")
    if more := len(noted[NOTES:]):
        terminal.say(f"and {counted(more, 'round')} more with a note: rounds.csv")
    _print_files(terminal, folder, run, rounds)


def _status(run: Mapping[str, Any]) -> str:
    """Return how a run ended; "diverged" is added if the loss of the last model is not finite."""
    diverged = run["final"].get("diverged") and run["status"] == FINISHED
    return f"{run['status']}, but diverged" if diverged else str(run["status"])


def _what_it_was(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    config, data = run["config"], run.get("data")
    if data:
        dealt, used = data["train_examples"], sum((run.get("nodes") or {}).get("num_examples", ()))
        reach = f", of which {used:,} reach the fog nodes" if 0 < used < dealt else ""
        yield (
            "data",
            f"{data['name']} ({dealt:,} training{reach}, "
            f"{data['validation_examples']:,} validation, {data['test_examples']:,} test examples)",
        )
    yield "topology", f"{describe_tiers(config)}, {config['partition']}, {_protection(config)}"
    if config.get("fog-protection"):
        yield "fog nodes", str(config["fog-protection"])
    if config.get("mask-groups"):
        yield "masked sums", f"over groups of at least {config['mask-groups']} fog nodes"
    parameters = run.get("model_parameters")
    yield (
        "model",
        f"{config['model']}, {f'{parameters:,} parameters, ' if parameters else ''}"
        f"{_precision(run)}",
    )
    yield (
        "training",
        f"SGD, learning rate {describe_learning_rate(config)}, batches of {config['batch-size']}",
    )
    yield (
        "merging",
        f"{config['strategy']}, gate {config['gate']}, {config['merge']}, {config['upload']}"
        + describe_arguments(config, *ARGUMENTS),
    )
    if mods := config.get("client-mods"):
        yield "client mods", str(mods)
    if config.get("attack", NONE) != NONE:
        yield "attack", describe_attack(config)


def _its_figures(
    run: Mapping[str, Any], rounds: Rows, merges: Mapping[int, str]
) -> Iterator[tuple[str, str | Text]]:
    final = run["final"]
    if run.get("cause"):
        yield "cause", styled(str(run["cause"]), "red")
    for failure in run.get("tracker_failures", ()):
        yield "tracker", styled(failure, "red")
    if final.get("diverged"):
        yield "diverged", styled("the loss of the cloud's last model is not finite", "red")
    alone = "means of groups" if run["config"].get("mask-groups") else "local models"
    for label, name in (
        ("training accuracy", "train_accuracy"),
        (f"validation accuracy, {alone}", "local_validation_accuracy"),
        ("validation accuracy, cloud model", "cloud_validation_accuracy"),
        ("test accuracy, cloud model", "test_accuracy"),
    ):
        yield label, _percent(final.get(name))
    if refit := run.get("refit"):
        before = _percent(final["before_refit"]["test_accuracy"])
        told = f"{counted(refit['epochs'], 'epoch')} on all {refit['examples']:,} examples"
        yield "refit by the cloud", f"{told}; before it, test accuracy {before}"
    yield (
        "rounds",
        f"{final.get('round', 0)} of {run['config']['num-server-rounds']}, "
        f"{counted(final.get('rejected', 0), 'update')} refused, {run['seconds']:.0f} s",
    )
    if merges:
        yield "other than the plain merge", _in_rounds(merges)
    if stretches := run.get("stretches"):
        ends = ", ".join(str(stretch["last_round"]) for stretch in stretches)
        yield "continued after round", ends
    if spent := shares(rounds, run.get("data", {})):
        yield (
            "time of the rounds",
            f"training {spent.training:.1%}, validation {spent.validation:.1%}, test examples "
            f"{spent.test:.1%}, the rest {spent.rest:.1%}",
        )
    if peak := run.get("peak_memory_gib"):
        yield "peak memory of all processes", f"{peak:.2f} GiB"


def print_realism(terminal: Terminal, result: "Realism") -> None:
    """Print the accuracy on real digits, its confidence interval, and how the model was trained."""
    low, high = result.interval
    terminal.print(
        f"accuracy {result.accuracy:.1%} on {result.images} real digits "
        f"(95% CI {low:.1%} to {high:.1%})",
    )
    table = Table("real digit", *map(str, range(len(result.per_class))))
    table.add_row("accuracy", *(f"{share:.0%}" for share in result.per_class))
    terminal.print(table)
    for file in result.files:
        terminal.say(f"{file.accuracy:.1%} of {file.images} in {file.name}")
    terminal.say(
        f"trained only on {result.training_images:,} rendered digits ({result.training_data}), "
        f"the paper's CNN, {result.epochs} epochs, SGD {result.learning_rate} falling to 0, batch "
        f"{result.batch_size}, {result.precision}, seed {result.seed}, {result.seconds:.0f} s",
    )


def describe_attack(config: Mapping[str, Any]) -> str:
    """Describe in words what a run's malicious fog nodes do."""
    nodes = sorted(RunConfig.from_run_config(config).malicious_nodes)
    told = {
        "strength": config["attack-strength"] or "its usual one",
        "rounds": config["attack-rounds"] or "all",
        "probability": config["attack-probability"],
    }
    return (
        f"{config['attack']} by {len(nodes)} of {config['fog-nodes']} fog nodes (number "
        f"{', '.join(map(str, nodes))}); "
        + ", ".join(f"{name} {value}" for name, value in told.items())
    )


def describe_learning_rate(config: Mapping[str, Any]) -> str:
    """Describe a run's learning rate in words."""
    falls = config["learning-rate-schedule"] == HALF_COSINE
    return f"{config['learning-rate']}" + (", falling along half a cosine" if falls else "")


def describe_tiers(config: Mapping[str, Any]) -> str:
    """Describe the architecture of a run config in words."""
    if config["architecture"] == CENTRALIZED:
        return "centralized: one cloud with all raw data"
    return f"{config['fog-nodes']} fog nodes x {config['end-nodes']} end nodes"


def describe_arguments(config: Mapping[str, Any], *keys: str) -> str:
    """Return those of the keys that are set, with their values, each after a comma."""
    return "".join(f", {key}={config[key]}" for key in keys if config.get(key))


def _print_files(terminal: Terminal, folder: Path, run: Mapping[str, Any], rounds: Rows) -> None:
    names = ("curves.png", "rounds.csv", "updates.csv", "model.keras")
    present = [name for name in names if (folder / name).exists()]
    terminal.say(f"records: {folder}/ ({', '.join(['run.json', *present])})")
    merged = any(row["accepted"] not in ("", "0") for row in rounds)
    if (folder / CHECKPOINT_FILE).exists() and merged:  # otherwise there is nothing to continue
        whens = {FAILED: "; remove the cause first", RUNNING: "; stop it first"}
        when = whens.get(run["status"], "")
        if run["status"] == FAILED and run.get(USER_CODE):
            when += " (if it is in your code, start the run again: code must be the same)"
        terminal.say(f"to continue: fog-flower continue {shlex.quote(str(folder))}{when}")
    if (folder / "curves.png").exists():
        terminal.say(f"picture: {folder / 'curves.png'}")


def _protection(config: Mapping[str, Any]) -> str:
    """Describe in words how end nodes protect their shares; older records only have noise."""
    told = str(config.get("protection", "noise")) or "no protection"
    if "noise" not in split_names(told):
        return told
    unit = "pixel units" if config["noise-unit"] == PIXEL else "units of a model's inputs"
    noise = f"noise {config['noise-sigma']} in {unit}"
    return ", ".join(noise if name == "noise" else name for name in split_names(told))


def _in_rounds(merges: Mapping[int, str]) -> str:
    """Return the merges that were taken, the most frequent one first, with their rounds."""
    counts = Counter(merges.values())
    several = []
    for name, count in counts.most_common():
        numbers = [str(number) for number, taken in merges.items() if taken == name]
        rest = f" and {count - LISTED} more" if count > LISTED else ""
        several.append(f"{name} (round {', '.join(numbers[:LISTED])}{rest})")
    return "; ".join(several)


def _round_line(row: dict[str, str], merge: str) -> str:
    """Return the figures of a round; ``merge`` names the merge if it is not the plain one."""
    accuracy = f"test {_percent(row['test_accuracy'])}  cloud validation " + _percent(
        row["cloud_validation_accuracy"]
    )
    if row["round"] == "0":
        return f"{accuracy} (untrained)"
    asked = int(row["accepted"]) + int(row["rejected"])
    kept = ", but W is kept" if any(words in row.get("note", "") for words in UNCHANGED) else ""
    return f"{accuracy}  accepted {row['accepted']}/{asked}{merge and ', '}{merge}{kept}"


def _precision(run: Mapping[str, Any]) -> str:
    """Return the precision that was used, and the configured one if it differs, e.g. ``auto``."""
    found = computed_in(run)
    asked = run["config"].get("precision", found)
    return found if found == asked else f"{found} ({asked})"


def _percent(value: Any) -> str:
    return "unknown" if value in (None, "", "nan") else f"{100 * float(value):.2f}%"
