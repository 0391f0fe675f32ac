"""Validated merging (paper, section 3): any Flower strategy on dW replies, behind a gate or not."""

import time
from collections.abc import Iterable, Mapping
from itertools import repeat
from logging import INFO
from typing import cast

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, Metadata, MetricRecord
from flwr.common import log
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from fog_flower.records.round_report import RoundReport, Verdict
from fog_flower.seeds import seed_global_generators
from fog_flower.weights import Weights, count_bytes, from_record
from strategies.gate import Decision
from strategies.handing_on import HandingOn
from strategies.judge import Judge, Judgement
from strategies.local_models import LocalModels
from strategies.nodes_in_order import NodesInOrder
from strategies.reporting import log_report, verdict_of
from strategies.updates import read_replies


class ValidatedMerge(Strategy):
    """Wraps any Flower strategy, so that it can be used where clients return dW.

    A wrapper as Flower's own ``DifferentialPrivacyServerSideFixedClipping`` is: the wrapped
    strategy chooses clients and aggregates. It expects weights; this hands it W + dW, in the order
    of the fog nodes: with a ``judge`` only those that its gate accepts, without one every update
    that can be added to W, whatever its numbers are (the baseline: a single NaN destroys it).

    Parameters
    ----------
    strategy : Strategy
        The strategy to wrap, FedAvg for the paper's merge.
    judge : Judge, optional
        Holds the gate and the validation examples.
    local_models : LocalModels, optional
        Evaluates each node's own model; without one, nothing of it is recorded.
    fog_nodes : mapping, optional
        Node id to partition id, as it is at any time; else replies are asked for ``partition-id``.
    seed : int
        Seeds Python's and NumPy's own generators before the strategy is asked, anew in every
        round. Whoever knows it can tell what the strategy draws from them: noise that is to
        protect anybody needs a generator of its own, seeded by the system.
    scale_to_sum : bool
        Scale each dW such that the strategy's weighted mean becomes W + sum of dW (the literal
        reading of section 3). False is the neutral value.
    max_examples : int, optional
        Refuse replies that claim more.

    Attributes
    ----------
    report : RoundReport or None
        What was decided in the last round.

    Examples
    --------
    >>> strategy = ValidatedMerge(FedAvg(), Judge(Trusted(), evaluator, trainer))  # doctest: +SKIP
    """

    def __init__(
        self,
        strategy: Strategy,
        judge: Judge | None = None,
        *,
        local_models: LocalModels | None = None,
        fog_nodes: Mapping[int, int] | None = None,
        seed: int = 0,
        scale_to_sum: bool = False,
        max_examples: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(strategy, Strategy):
            raise TypeError(f"strategy must be a Flower Strategy, not {type(strategy).__name__}")
        if max_examples is not None and max_examples < 1:
            raise ValueError(f"max_examples must be at least 1, not {max_examples}")
        if seed < 0:
            raise ValueError(f"seed must be at least 0, not {seed}")
        self.strategy = strategy
        self.judge = judge
        self.local_models = local_models
        self.fog_nodes = {} if fog_nodes is None else fog_nodes  # nodes may come back
        self.seed = seed
        self.max_examples = max_examples
        self.report: RoundReport | None = None
        self._hand_on = HandingOn(
            strategy, seed, scale_to_sum=scale_to_sum, keep_finite=judge is not None
        )
        self._record = ArrayRecord()
        self._weights: Weights = []
        self._asked: tuple[Metadata, ...] = ()
        self._sent_at = time.perf_counter()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Let the wrapped strategy choose, and remember W and who was asked."""
        ordered = self._seeded("configure", server_round, grid)
        messages = list(self.strategy.configure_train(server_round, arrays, config, ordered))
        self._record = arrays
        self._weights = from_record(arrays)
        self._asked = tuple(message.metadata for message in messages)  # ids come with sending
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
            replies,
            [metadata.dst_node_id for metadata in self._asked],
            self._weights,
            self.fog_nodes,
            self.max_examples,
            {asked.message_id: asked.dst_node_id for asked in self._asked if asked.message_id},
        )
        alone = []
        if self.local_models:
            alone = self.local_models.score(server_round, self._weights, updates)
        judgement = Judgement([Decision(True, "accepted: no gate") for _ in updates])
        if self.judge:
            judgement = self.judge.judge(server_round, self._weights, updates, alone)
        decisions = judgement.decisions
        judged = time.perf_counter()
        accepted = [u for u, d in zip(updates, decisions, strict=True) if d.accepted]
        learned = [d.weight for d in decisions if d.accepted]
        factors = learned if learned and np.isfinite(learned).all() else None
        arrays, metrics, note = self._hand_on(
            server_round, self._record, self._weights, accepted, factors, judgement.own
        )
        verdicts = [
            *map(verdict_of, updates, decisions, alone or repeat(None)),
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
        log_report(self.report)
        return arrays, metrics

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
        """Log the gate's settings and the wrapped strategy's."""
        gate = self.judge.describe() if self.judge else "none"
        log(INFO, "\t├──> Gate: %s, around %s", gate, type(self.strategy).__name__)
        self.strategy.summary()

    def _seeded(self, purpose: str, server_round: int, grid: Grid) -> Grid:
        """Seed what the wrapped strategy draws from, and return the grid that it is to see."""
        seed_global_generators(self.seed, purpose, server_round)
        return cast(Grid, NodesInOrder(grid, self.fog_nodes))
