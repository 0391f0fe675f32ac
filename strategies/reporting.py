"""What became of a round's updates, for records and log."""

from logging import INFO, WARNING

from flwr.common import log

from fog_flower.records.round_report import RoundReport, Verdict
from fog_flower.tasks.scores import UNKNOWN, Scores
from fog_flower.weights import norm
from strategies.gate import Decision
from strategies.updates import Update


def verdict_of(update: Update, decision: Decision, alone: Scores | None) -> Verdict:
    """Put what is known of one update into its row."""
    return Verdict(
        fog_node=update.fog_node,
        accepted=decision.accepted,
        reason=decision.reason,
        num_examples=update.num_examples,
        train_loss=update.metric("loss"),
        train_accuracy=update.metric("accuracy"),
        seconds=update.metric("seconds"),
        update_norm=norm(update.delta),
        bytes_up=update.bytes_up,
        alone=alone.mean() if alone else UNKNOWN,
        without=decision.without,
        with_update=decision.with_update,
        gate_images=decision.examples,
        trust=decision.trust,
        weight=decision.weight,
    )


def log_report(report: RoundReport) -> None:
    """Log who was accepted, and why the others were not."""
    log(INFO, "merge: %d of %d updates accepted", report.accepted, len(report.verdicts))
    for verdict in report.verdicts:
        if not verdict.accepted:
            log(WARNING, "\tfog node %d: %s", verdict.fog_node, verdict.reason)
    if report.note:
        log(WARNING, "\t%s", report.note)
