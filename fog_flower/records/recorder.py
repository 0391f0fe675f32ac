"""Writes a run's records, which are complete on disk after every round."""

import dataclasses
import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.errors import UserError
from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.files import GrowingCsv, write_json
from fog_flower.records.round_report import RoundReport, Verdict
from fog_flower.records.run_folder import create_run_folder
from fog_flower.records.tracking import Tracking
from fog_flower.tasks.scores import Evaluation

LOGGER = logging.getLogger("flwr")  # Flower's; importing it takes a second
RUNNING, FINISHED, FAILED, INTERRUPTED = "running", "finished", "failed", "interrupted"


_TESTED = ("test_loss", "test_accuracy", "test_worst_class_accuracy", "backdoor_success")
_AGAINST_DIVERGING = (
    "; training diverges: lower learning-rate, set clip-norm=1, or scale inputs "
    "(normalisation=fitted)"
)


@dataclasses.dataclass(frozen=True)
class CloudEvaluation:
    """Evaluation of the merged model on the validation and on the untouched test examples.

    Attributes
    ----------
    worst_class : float
        Test accuracy in the class where it is lowest.
    backdoor_success : float
        Fraction of triggered test images that get the attacker's class; NaN without a backdoor.
    """

    validation: Evaluation
    test: Evaluation
    seconds: float
    backdoor_success: float = math.nan
    worst_class: float = math.nan


class RunRecorder:
    """Writes ``run.json``, ``rounds.csv`` and ``updates.csv`` of one run.

    Parameters
    ----------
    folder : Path
        Must not exist yet; it is created here.
    facts : dict
        What is known before round 1: configuration, data, versions, hardware, ...
    bytes_from_end_nodes : int
        The shipments of all end nodes, which arrive once, before round 1.
    tracking : Tracking, optional
        Gets a round's row and its update rows once they are on disk.

    Attributes
    ----------
    began : float
        By ``time.perf_counter``; ``seconds`` in ``run.json`` counts from here.
    ended : bool
        Whether the end is recorded in ``run.json``.
    """

    def __init__(
        self,
        folder: Path,
        facts: dict[str, Any],
        bytes_from_end_nodes: int,
        tracking: Tracking | None = None,
    ) -> None:
        create_run_folder(folder)
        self.folder = folder
        self.ended = False
        self._tracking = tracking or Tracking({})
        self._facts = facts
        self._bytes_from_end_nodes = bytes_from_end_nodes
        self._rounds: list[dict[str, Any]] = []
        self._first_reason = ""  # for the decision on the first update
        self._refit: CloudEvaluation | None = None
        self._tables = (
            GrowingCsv(folder / "updates.csv", UPDATE_COLUMNS),
            GrowingCsv(folder / "rounds.csv", ROUND_COLUMNS),
        )
        self.began = self._round_began = time.perf_counter()
        self._started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._write_run(RUNNING)

    def start_tracking(self) -> None:
        """Start the trackers; see ``Tracking.start``."""
        self._tracking.start(self.folder, self._facts)

    def know(self, facts: Mapping[str, Any]) -> None:
        """Add or replace facts; they are in ``run.json`` when it is next written."""
        self._facts |= facts

    def record_start(self, cloud: CloudEvaluation) -> None:
        """Record round 0: the untrained initial model."""
        row: dict[str, Any] = dict.fromkeys(ROUND_COLUMNS, math.nan)
        row |= {"round": 0, "accepted": 0, "rejected": 0, "note": ""}
        row |= dict.fromkeys(("bytes_from_end_nodes", "bytes_up", "bytes_down"), 0)
        row |= _cloud_columns(cloud)
        self.add(row, [])

    def record_round(self, report: RoundReport, cloud: CloudEvaluation) -> None:
        """Append a round and its verdicts, and write both tables."""
        verdicts = report.verdicts
        # A model that is not finite would count as predicting class 0; it is left out.
        local = [v.alone for v in verdicts if math.isfinite(v.alone.loss)]
        now = time.perf_counter()
        row = {
            "round": report.server_round,
            "train_loss": _mean([v.train_loss for v in verdicts]),
            "train_accuracy": _mean([v.train_accuracy for v in verdicts]),
            "local_validation_loss": _mean([alone.loss for alone in local]),
            "local_validation_accuracy": _mean([alone.accuracy for alone in local]),
            **_cloud_columns(cloud),
            "accepted": report.accepted,
            "rejected": len(verdicts) - report.accepted,
            "cloud_weight": report.cloud_weight,
            "bytes_from_end_nodes": 0 if len(self._rounds) > 1 else self._bytes_from_end_nodes,
            "bytes_up": sum(v.bytes_up for v in verdicts),
            "bytes_down": report.bytes_down,
            "train_seconds": report.train_seconds,
            "validation_seconds": report.validation_seconds,
            "gate_seconds": report.gate_seconds,
            "merge_seconds": report.merge_seconds,
            "round_seconds": now - self._round_began,
            "note": report.note,
        }
        self.add(row, [_update_row(report.server_round, verdict) for verdict in verdicts])
        self._round_began = now

    def record_refit(
        self,
        cloud: CloudEvaluation,
        *,
        examples: int,
        epochs: int,
        train_loss: float,
        seconds: float,
    ) -> None:
        """Record that the cloud trained the final W once more on all of its examples.

        The figures of ``final`` are then those of this model. ``rounds.csv`` has only rounds. The
        trackers get a row of its own, with the number of the round that does not exist.
        """
        self._refit = cloud
        told = {"examples": examples, "epochs": epochs, "train_loss": train_loss}
        self.know({"refit": {**told, "seconds": round(seconds, 3)}})
        row: dict[str, Any] = dict.fromkeys(ROUND_COLUMNS, math.nan)
        row |= {"round": len(self._rounds), "train_loss": train_loss, "note": "refit"}
        self._tracking.log(row | _cloud_columns(cloud), [])

    def add(self, row: dict[str, Any], updates: Sequence[dict[str, Any]]) -> None:
        """Append a row to ``rounds.csv`` and its rows to ``updates.csv``, and write both."""
        if updates and not self._first_reason:
            self._first_reason = updates[0]["reason"]
        self._rounds.append(row)
        for table, rows in zip(self._tables, (updates, [row]), strict=True):
            table.extend(rows)
        failures = len(self._tracking.failures)
        self._tracking.log(row, updates)
        if len(self._tracking.failures) > failures:  # recorded now, in case the run is killed
            self._write_run(RUNNING)
        self._round_began = time.perf_counter()

    def check_progress(self, *, w_changed: bool) -> None:
        """Check that an update was merged and that W has changed.

        Raises
        ------
        UserError
            If not, with the first cause.
        """
        rounds = self._rounds[1:]
        made = f"{len(rounds)} round{'' if len(rounds) == 1 else 's'}"
        merged = (row["accepted"] or row.get("cloud_weight", 0.0) > 0.0 for row in rounds)
        if rounds and not any(merged):
            hint = _AGAINST_DIVERGING if "not finite" in self._first_reason else ""
            raise UserError(
                f"no update was accepted in {made}, so W is untrained; the first: "
                f"{self._first_reason or 'no fog node was asked'}{hint}"
            )
        if rounds and not w_changed:
            notes = (f"; round {row['round']}: {row['note']}" for row in rounds if row["note"])
            accepted = sum(row["accepted"] for row in rounds)
            raise UserError(
                f"W is what it was before round 1, although {accepted} updates were accepted in "
                f"{made}: the strategy returns W, or updates are zero or too small "
                f"for W's dtype{next(notes, '')}"
            )

    def finish(self) -> None:
        """Mark the run as finished."""
        self._end(FINISHED)

    def fail(self, cause: str) -> None:
        """Mark the run as failed and keep its records; an error in writing that is only logged."""
        self._end(FAILED, cause)

    def interrupt(self) -> None:
        """Mark the run as interrupted by the user and keep its records."""
        self._end(INTERRUPTED, "interrupted (Ctrl-C or SIGTERM)")

    def _end(self, status: str, cause: str | None = None) -> None:
        try:
            self._write_run(status, cause)
            self.ended = True
        except UserError as error:
            if status == FINISHED:
                self._tracking.end(FAILED)
                raise
            LOGGER.error("the run's end is not recorded: %s", error)
        failures = len(self._tracking.failures)
        self._tracking.end(status)
        if self.ended and len(self._tracking.failures) > failures:
            self._write_run(status, cause)

    def _write_run(self, status: str, cause: str | None = None) -> None:
        seconds = time.perf_counter() - self.began
        final = final_figures(self._rounds, self._refit)
        if status == FINISHED and final.get("diverged"):
            since = final["diverged_in_round"]
            since = "the refit" if since is None else f"round {since}"
            LOGGER.warning("diverged: the cloud model has not been finite since %s", since)
        run = {
            "status": status,
            "cause": cause,
            "final": final,
            "seconds": round(seconds, 3),
            "started": self._started,
            **self._facts,
        }
        if self._tracking.failures:
            run["tracker_failures"] = self._tracking.failures
        if status in (FAILED, INTERRUPTED):
            run["can_continue"] = can_continue(self.folder, run)
        else:
            run.pop("can_continue", None)
        write_json(self.folder / "run.json", run)


def can_continue(folder: Path, run: Mapping[str, Any]) -> bool:
    """Return whether a run that has not finished can be continued, by its folder and record."""
    kept = (folder / CHECKPOINT_FILE).exists() and run.get("status") != FINISHED
    return kept and bool(run.get("can_continue", True))


def final_figures(
    rounds: Sequence[Mapping[str, Any]], refit: CloudEvaluation | None = None
) -> dict[str, Any]:
    """Return the final figures for ``run.json`` from the rows of ``rounds.csv``, and the refit."""
    if not rounds:
        return {}
    last = rounds[-1]
    if refit:
        final = final_figures(rounds)
        after = {name: value for name, value in _cloud_columns(refit).items() if name in final}
        before = {name: final[name] for name in _TESTED}
        diverged = not math.isfinite(refit.test.loss)
        return {**final, **after, "diverged": diverged, "before_refit": before}
    finite = [row["round"] for row in rounds if math.isfinite(row["cloud_validation_loss"])]
    diverged = not math.isfinite(last["cloud_validation_loss"])
    names = [name for name in ROUND_COLUMNS if name.endswith(("_loss", "_accuracy"))]
    return {
        "round": last["round"],
        **{name: last.get(name, math.nan) for name in names},
        # Such a run has finished: its rounds were made, and that it diverged is a result.
        "diverged": diverged,
        "diverged_in_round": finite[-1] + 1 if diverged and finite else None,
        "backdoor_success": last["backdoor_success"],
        "rejected": sum(row["rejected"] for row in rounds),
    }


def _cloud_columns(cloud: CloudEvaluation) -> dict[str, Any]:
    return {
        "cloud_validation_loss": cloud.validation.loss,
        "cloud_validation_accuracy": cloud.validation.accuracy,
        "test_loss": cloud.test.loss,
        "test_accuracy": cloud.test.accuracy,
        "test_worst_class_accuracy": cloud.worst_class,
        "backdoor_success": cloud.backdoor_success,
        "evaluation_seconds": cloud.seconds,
    }


def _update_row(server_round: int, verdict: Verdict) -> dict[str, Any]:
    seen = {"alone": verdict.alone, "without": verdict.without, "with": verdict.with_update}
    row: dict[str, Any] = {"round": server_round}
    for name, evaluation in seen.items():
        row |= {f"loss_{name}": evaluation.loss, f"accuracy_{name}": evaluation.accuracy}
    return row | {name: getattr(verdict, name) for name in UPDATE_COLUMNS if name not in row}


def _mean(values: Sequence[float]) -> float:
    """Return the mean of the finite values; ``updates.csv`` shows which nodes had others."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
