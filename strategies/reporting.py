"""What became of a round's updates, for records and log."""

from logging import INFO, WARNING

from flwr.common import log

from fog_flower.records.round_report import RoundReport, Verdict
from fog_flower.tasks.scores import UNKNOWN, Scores
from fog_flower.weights import norm
from strategies.gate import Decision
from strategies.updates import Update

LISTED = 10  # fog nodes with the same fate


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


def _refused(report: RoundReport) -> dict[str, list[int]]:
    """Return the fog nodes that were refused, by the reason."""
    nodes: dict[str, list[int]] = {}
    for verdict in report.verdicts:
        if not verdict.accepted:
            nodes.setdefault(verdict.reason, []).append(verdict.fog_node)
    return nodes


def log_report(report: RoundReport) -> None:
    """Log who was accepted, and why the others were not."""
    log(INFO, "merge: %d of %d updates accepted", report.accepted, len(report.verdicts))
    for reason, nodes in _refused(report).items():
        if len(nodes) <= LISTED:
            for node in nodes:
                log(WARNING, "\tfog node %d: %s", node, reason)
        else:
            some = ", ".join(map(str, nodes[:LISTED]))
            log(WARNING, "\t%d fog nodes (%s, ...): %s", len(nodes), some, reason)
    if report.note:
        log(WARNING, "\t%s", report.note)
