"""The plain path: any Flower strategy on top of dW replies, without validation."""

import time
from collections.abc import Iterable, Mapping
from itertools import repeat
from logging import INFO, WARNING
from typing import cast

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.common import log
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from fog_flower.errors import UserError
from fog_flower.evaluation import UNKNOWN, Evaluator, Indices, Scores
from fog_flower.messages import ARRAYS, METRICS
from fog_flower.round_report import RoundReport, Verdict
from fog_flower.seeds import generator, seed_global_generators
from fog_flower.weights import Weights, add, all_finite, count_bytes, from_record, norm
from strategies.merging import scale_for_sum
from strategies.nodes_in_order import NodesInOrder
from strategies.policies.trial import Decision
from strategies.update import Update, read_replies


class UpdatesToWeights(Strategy):
    """Wraps any Flower strategy, so that it can be used where clients return dW.

    Flower's strategies expect weights; this hands them W + dW, in the order of the fog nodes.
    Every update that can be added to W is handed on, whatever its numbers are: that is the
    baseline, and a single NaN destroys it. ``ValidatedMerge`` is the same with a judgement.

    Parameters
    ----------
    strategy : Strategy
        The strategy to wrap.
    evaluator : Evaluator, optional
        Evaluates each local model on validation images, for the records only: the paper's metric
        is their mean.
    local_images : int
        How many validation images that takes, drawn anew in every round; 0 takes all.
    last_round : int, optional
        In this round it takes all, so that the final figure is exact.
    seed : int
        Draws the images, and seeds Python's and NumPy's own generators before the strategy is
        asked, anew in every round. Whoever knows it can tell what the strategy draws from them:
        noise that is to protect anybody needs a generator of its own, seeded by the system.
    fog_nodes : mapping, optional
        Node id to partition id; else replies are asked for ``partition-id``.
    scale_to_sum : bool
        Scale each dW such that the strategy's weighted mean becomes W + sum of dW (the literal
        reading of section 3). False is the neutral value.
    max_examples : int, optional
        Refuse replies that claim more.

    Attributes
    ----------
    keep_finite : bool
        Whether a merge that is not finite is dropped, and W kept; the plain path takes it.
    report : RoundReport or None
        What was decided in the last round.
    """

    keep_finite = False

    def __init__(
        self,
        strategy: Strategy,
        evaluator: Evaluator | None = None,
        *,
        local_images: int = 0,
        last_round: int | None = None,
        seed: int = 0,
        fog_nodes: Mapping[int, int] | None = None,
        scale_to_sum: bool = False,
        max_examples: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(strategy, Strategy):
            raise TypeError(f"strategy must be a Flower Strategy, not {type(strategy).__name__}")
        if max_examples is not None and max_examples < 1:
            raise ValueError(f"max_examples must be at least 1, not {max_examples}")
        for name, images in (("local_images", local_images), ("seed", seed)):
            if images < 0:
                raise ValueError(f"{name} must be at least 0, not {images}")
        self.strategy = strategy
        self.evaluator = evaluator
        self.local_images = local_images
        self.last_round = last_round
        self.seed = seed
        self.fog_nodes = dict(fog_nodes or {})
        self.scale_to_sum = scale_to_sum
        self.max_examples = max_examples
        self.report: RoundReport | None = None
        self._record = ArrayRecord()
        self._weights: Weights = []
        self._asked: tuple[int, ...] = ()
        self._sent_at = time.perf_counter()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Let the wrapped strategy choose, and remember W and who was asked."""
        ordered = self._seeded("configure", server_round, grid)
        messages = list(self.strategy.configure_train(server_round, arrays, config, ordered))
        self._record = arrays
        self._weights = from_record(arrays)
        self._asked = tuple(message.metadata.dst_node_id for message in messages)
        self._sent_at = time.perf_counter()
        return messages

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Hand the accepted updates to the wrapped strategy as weights.

        Where there is none, W is kept, and the report's note says so.
        """
        began = time.perf_counter()
        updates, refusals = read_replies(
            replies, self._asked, self._weights, self.fog_nodes, self.max_examples
        )
        images = self._image_order(server_round)
        alone = self._score_local_models(server_round, updates, images)
        decisions = self.judge(server_round, updates, images, alone)
        judged = time.perf_counter()
        accepted = [u for u, d in zip(updates, decisions, strict=True) if d.accepted]
        arrays, metrics, note = self._merge(server_round, accepted)
        verdicts = [
            *map(_verdict, updates, decisions, alone or repeat(None)),
            *(Verdict(refusal.fog_node, False, refusal.reason) for refusal in refusals),
        ]
        self.report = RoundReport(
            server_round=server_round,
            verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.fog_node)),
            bytes_down=len(self._asked) * count_bytes(self._weights),
            train_seconds=began - self._sent_at,
            validation_seconds=judged - began,
            merge_seconds=time.perf_counter() - judged,
            note=note,
        )
        self._log_report(self.report)
        return arrays, metrics

    def judge(
        self,
        server_round: int,  # noqa: ARG002
        updates: list[Update],
        images: Indices,  # noqa: ARG002
        alone: list[Scores],  # noqa: ARG002
    ) -> list[Decision]:
        """Return a decision for each update; here all pass.

        ``images`` is this round's order of the validation images, and ``alone`` how each local
        model answers on the first of them.
        """
        return [Decision(True, "accepted: no validation") for _ in updates]

    def _seeded(self, purpose: str, server_round: int, grid: Grid) -> Grid:
        """Seed what the wrapped strategy draws from, and return the grid that it is to see."""
        seed_global_generators(self.seed, purpose, server_round)
        return cast(Grid, NodesInOrder(grid, self.fog_nodes))

    def _image_order(self, server_round: int) -> Indices:
        size = len(self.evaluator) if self.evaluator else 0
        return generator(self.seed, "gate", server_round).permutation(size)

    def _score_local_models(
        self, server_round: int, updates: list[Update], images: Indices
    ) -> list[Scores]:
        if self.evaluator is None:
            return []
        some = self.local_images if server_round != self.last_round else 0
        chosen = images[: some or None]
        return [
            self.evaluator.score(add(self._weights, update.delta), chosen) for update in updates
        ]

    def _merge(
        self, server_round: int, accepted: list[Update]
    ) -> tuple[ArrayRecord | None, MetricRecord | None, str]:
        if not accepted:
            return self._record, None, "no update was accepted: W is kept"
        # Flower's strategies raise where replies have different metrics: one node could end a run.
        common = [n for n in accepted[0].metrics if all(n in u.metrics for u in accepted)]
        factors = [1.0] * len(accepted)
        if self.scale_to_sum:
            factors = scale_for_sum([update.num_examples for update in accepted])
        for update, factor in zip(accepted, factors, strict=True):
            # factor 1 must not touch a bit: this path equals the wrapped strategy exactly
            delta = update.delta if factor == 1.0 else [d * factor for d in update.delta]
            metrics = MetricRecord({name: update.metrics[name] for name in common})
            arrays_key = next(iter(update.message.content.array_records))
            metrics_key = next(iter(update.message.content.metric_records))
            del update.message.content[arrays_key], update.message.content[metrics_key]
            update.message.content[ARRAYS] = self._as_record(add(self._weights, delta))
            update.message.content[METRICS] = metrics
        name = type(self.strategy).__name__
        seed_global_generators(self.seed, "aggregate", server_round)
        answer = self.strategy.aggregate_train(
            server_round, [update.message for update in accepted]
        )
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise UserError(
                f"strategy {name}: aggregate_train must return (arrays, metrics), or (None, None), "
                f"not {type(answer).__name__}"
            )
        arrays, aggregated = answer
        if arrays is None:
            return self._record, aggregated, f"{name} returned no arrays: W is kept"
        merged = self._fitting(from_record(arrays), name)
        if self.keep_finite and not all_finite(merged):
            return self._record, aggregated, f"{name} merged to numbers not finite: W is kept"
        return self._as_record(merged), aggregated, ""

    def _fitting(self, merged: Weights, name: str) -> Weights:
        """Return what a strategy made, if it can be the next W."""
        ours, theirs = ([list(a.shape) for a in w] for w in (self._weights, merged))
        if ours != theirs:
            raise UserError(
                f"strategy {name}: aggregate_train returned arrays of shapes {theirs}, but W has "
                f"{ours}; return them in the order of the replies' arrays"
            )
        return merged

    def _as_record(self, weights: Weights) -> ArrayRecord:
        """Pack under W's keys and in W's dtypes, whatever a strategy made of them."""
        return ArrayRecord(
            {
                key: Array(np.asarray(array, dtype=like.dtype))
                for key, array, like in zip(self._record, weights, self._weights, strict=True)
            }
        )

    @staticmethod
    def _log_report(report: RoundReport) -> None:
        log(INFO, "merge: %d of %d updates accepted", report.accepted, len(report.verdicts))
        for verdict in report.verdicts:
            if not verdict.accepted:
                log(WARNING, "\tfog node %d: %s", verdict.fog_node, verdict.reason)
        if report.note:
            log(WARNING, "\t%s", report.note)

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Delegate, with what the wrapped strategy draws seeded as for training."""
        ordered = self._seeded("configure-evaluate", server_round, grid)
        return list(self.strategy.configure_evaluate(server_round, arrays, config, ordered))

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        """Delegate, with what the wrapped strategy draws seeded as for training."""
        seed_global_generators(self.seed, "aggregate-evaluate", server_round)
        return self.strategy.aggregate_evaluate(server_round, replies)

    def summary(self) -> None:
        """Log the wrapper's and the wrapped strategy's settings."""
        log(INFO, "\t├──> %s around %s", type(self).__name__, type(self.strategy).__name__)
        self.strategy.summary()


def _verdict(update: Update, decision: Decision, alone: Scores | None) -> Verdict:
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
        gate_images=decision.images,
        trust=decision.trust,
    )
