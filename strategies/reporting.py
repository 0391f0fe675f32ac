"""Reports the decisions of a round, for the records and the log."""

import dataclasses
from logging import INFO, WARNING

from flwr.common import log

from fog_flower.records.round_report import RoundReport, Verdict
from fog_flower.tasks.scores import UNKNOWN, Scores
from fog_flower.weights import norm
from strategies.gate import Decision
from strategies.updates import Update

LISTED = 10  # most fog nodes that are logged one by one for the same reason


def verdicts_of(update: Update, decision: Decision, alone: Scores | None) -> list[Verdict]:
    """Return the row of an update, or one row for each fog node of its masked group.

    What is known only of the group (norm, losses, decision) is repeated in the row of each node.
    """
    if not update.members:
        return [_verdict(update, update, decision, alone)]
    group = "+".join(str(member.fog_node) for member in update.members)
    reason = f"{decision.reason} (masked group {group})"
    return [
        _verdict(
            member,
            update,
            dataclasses.replace(
                decision,
                reason=reason,
                weight=decision.weight * member.num_examples / update.num_examples,
            ),
            alone,
        )
        for member in update.members
    ]


def _verdict(node: Update, update: Update, decision: Decision, alone: Scores | None) -> Verdict:
    return Verdict(
        fog_node=node.fog_node,
        accepted=decision.accepted,
        reason=decision.reason,
        num_examples=node.num_examples,
        train_loss=node.metric("loss"),
        train_accuracy=node.metric("accuracy"),
        seconds=node.metric("seconds"),
        update_norm=norm(update.delta),
        bytes_up=node.bytes_up,
        alone=alone.mean() if alone else UNKNOWN,
        without=decision.without,
        with_update=decision.with_update,
        gate_images=decision.examples,
        trust=decision.trust,
        weight=decision.weight,
    )


def _refused(report: RoundReport) -> dict[str, list[int]]:
    """Return the refused fog nodes, grouped by reason."""
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
