"""Validated merging (paper, section 3): any Flower strategy on dW, with or without a gate."""

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import chain, repeat
from logging import INFO
from typing import cast

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.common import log
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from fog_flower.causes import in_user_code
from fog_flower.errors import UserError
from fog_flower.records.round_report import RoundReport, Verdict
from fog_flower.seeds import seed_global_generators
from fog_flower.tasks.scores import Scores
from fog_flower.weights import Weights, from_record
from strategies.gate import Decision
from strategies.handing_on import HandingOn, as_metrics
from strategies.judge import Judge, Judgement
from strategies.local_models import LocalModels
from strategies.masked_groups import MaskedGroups
from strategies.nodes_in_order import NodesInOrder
from strategies.questions import Questions, kind_of, layout_of, read_questions
from strategies.reporting import log_report, verdicts_of
from strategies.updates import Refusal, Update, read_replies
from strategies.weighted_mean import is_weighted_mean


class ValidatedMerge(Strategy):
    """Wraps any Flower strategy, so that it can be used when clients return dW.

    It is a wrapper like Flower's own ``DifferentialPrivacyServerSideFixedClipping``: the wrapped
    strategy samples clients and aggregates. That strategy expects weights, so it gets W + dW of
    each update, in the order of the fog nodes. With a ``judge``, it gets only the updates that the
    gate accepts. Without one, it gets every update of the right structure, whatever its values:
    this is the baseline, which a single NaN destroys.

    Parameters
    ----------
    strategy : Strategy
        The strategy to wrap; FedAvg for the paper's merge.
    judge : Judge, optional
        Holds the gate and the validation examples.
    local_models : LocalModels, optional
        Evaluates the local models for the records; without it they are not evaluated.
    fog_nodes : mapping, optional
        Node id to partition id. It may change during the run. Without it, the ``partition-id`` in
        the replies is used.
    seed : int
        Seeds the global generators of Python and NumPy before each call of the strategy, anew in
        every round. Whoever knows the seed can predict what the strategy draws from them, so noise
        that must protect somebody needs a generator of its own, seeded by the system's entropy.
    scale_to_sum : bool
        Scale each dW such that the strategy's weighted mean becomes W + sum of dW (the literal
        reading of section 3). False is the neutral value.
    max_examples : int, optional
        Refuse replies that claim more examples.
    client_mods : bool
        Whether fog nodes have client mods of the user. With them, a strategy may send further
        settings and arrays, and receives arrays of these names back, which no gate judges. Without
        them, that is an error, because nobody would read what was sent.
    masks : MaskedGroups, optional
        Makes fog nodes send masked sums of groups: an update is then the mean of a group, for the
        gate and for the strategy. Without it, each fog node's dW is an update.

    Attributes
    ----------
    report : RoundReport or None
        The decisions of the last round.
    masks : MaskedGroups or None

    Examples
    --------
    >>> strategy = ValidatedMerge(FedAvg(), Judge(Trusted(), evaluator, trainer))  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913  (parts, each with a neutral default)
        self,
        strategy: Strategy,
        judge: Judge | None = None,
        *,
        local_models: LocalModels | None = None,
        fog_nodes: Mapping[int, int] | None = None,
        seed: int = 0,
        scale_to_sum: bool = False,
        max_examples: int | None = None,
        client_mods: bool = False,
        masks: MaskedGroups | None = None,
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
        self.fog_nodes = {} if fog_nodes is None else fog_nodes  # no copy: it may change later
        self.seed = seed
        self.max_examples = max_examples
        self.report: RoundReport | None = None
        self._hand_on = HandingOn(
            strategy, seed, scale_to_sum=scale_to_sum, keep_finite=judge is not None
        )
        self._client_mods = client_mods
        self.masks = masks
        self._record = ArrayRecord()
        self._weights: Weights = []
        self._questions = Questions([], {}, {}, 0)
        self._sent_at = time.perf_counter()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Let the wrapped strategy sample clients, and remember W and the messages."""
        ordered = self._seeded("configure", server_round, grid)
        before = layout_of(arrays)
        with self._calling("configure_train"):
            answer = self.strategy.configure_train(server_round, arrays, config, ordered)
            answer = list(answer) if isinstance(answer, Iterable) else answer
        if layout_of(arrays) != before:
            raise UserError(
                f"strategy {self._name}: configure_train changed the names, shapes or dtypes of "
                "the arrays that it was given"
            )
        self._record = arrays
        self._weights = from_record(arrays)
        self._questions = read_questions(
            answer,
            self._name,
            server_round,
            arrays,
            self._weights,
            self.fog_nodes,
            client_mods=self._client_mods,
        )
        if self.masks:
            self._questions = self.masks.ask(self._questions, server_round, self._weights, grid)
        self._sent_at = time.perf_counter()
        return self._questions.messages

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Judge the updates, and pass the accepted ones to the wrapped strategy as weights.

        If none is accepted, W is kept, and the report's note says so.
        """
        began = time.perf_counter()
        updates, refusals = self._read(replies)
        alone: list[Scores | None] = []
        if self.local_models:
            alone = self.local_models.score(server_round, self._weights, updates)
        asked = time.perf_counter()
        judgement = Judgement([Decision(True, "accepted: no gate") for _ in updates])
        if self.judge:
            judgement = self.judge.judge(server_round, self._weights, updates, alone)
        if not is_weighted_mean(self.strategy):
            judgement = judgement.without_weights()
        decisions = judgement.decisions
        judged = time.perf_counter()
        accepted, factors = judgement.accepted_of(updates)
        cloud_weight = judgement.own_weight(accepted, summed=self._hand_on.scale_to_sum)
        verdicts = [
            *chain.from_iterable(map(verdicts_of, updates, decisions, alone or repeat(None))),
            *(Verdict(refusal.fog_node, False, refusal.reason) for refusal in refusals),
        ]
        del updates  # so that handing on frees each dW when it has made W + dW of it
        arrays, metrics, note = self._hand_on(
            server_round, self._record, self._weights, accepted, factors
        )
        self.report = RoundReport(
            server_round=server_round,
            verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.fog_node)),
            bytes_down=self._questions.bytes_down,
            train_seconds=began - self._sent_at,
            validation_seconds=judged - began,
            gate_seconds=judged - asked,
            merge_seconds=time.perf_counter() - judged,
            note="; ".join(one for one in (judgement.note, note) if one),
            cloud_weight=cloud_weight,
        ).with_note(self.masks.note if self.masks else "")
        log_report(self.report)
        return arrays, metrics

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Delegate, after seeding the global generators as for training."""
        ordered = self._seeded("configure-evaluate", server_round, grid)
        with self._calling("configure_evaluate"):
            answer = self.strategy.configure_evaluate(server_round, arrays, config, ordered)
            messages = list(answer) if isinstance(answer, Iterable) else answer
        if not isinstance(messages, list) or not all(isinstance(m, Message) for m in messages):
            raise UserError(
                f"strategy {self._name}: configure_evaluate returned {kind_of(messages)}; return a "
                "list of messages"
            )
        return messages

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        """Delegate, after seeding the global generators as for training."""
        seed_global_generators(self.seed, "aggregate-evaluate", server_round)
        with self._calling("aggregate_evaluate"):
            metrics = self.strategy.aggregate_evaluate(server_round, replies)
        return as_metrics(metrics, f"strategy {self._name}: aggregate_evaluate")

    def summary(self) -> None:
        """Log the gate's settings and the wrapped strategy's."""
        gate = self.judge.describe() if self.judge else "none"
        log(INFO, "\t├──> Gate: %s, around %s", gate, type(self.strategy).__name__)
        self.strategy.summary()

    @property
    def _name(self) -> str:
        return type(self.strategy).__name__

    def _calling(self, method: str) -> AbstractContextManager[None]:
        return in_user_code(f"strategy {self._name}: {method}")

    def _read(self, replies: Iterable[Message]) -> tuple[list[Update], list[Refusal]]:
        """Read the replies; if a node started from other weights, convert its dW to start at W."""
        if self.masks:
            return self.masks.read(replies, self._questions.messages, self._weights)
        asked = [message.metadata for message in self._questions.messages]
        updates, refusals = read_replies(
            replies,
            [metadata.dst_node_id for metadata in asked],
            self._weights,
            self.fog_nodes,
            self.max_examples,
            {
                metadata.message_id: metadata.dst_node_id
                for metadata in asked
                if metadata.message_id
            },
            self._questions.extras,
        )
        shifts = self._questions.shifts
        return [update.moved_by(shifts.get(update.node_id)) for update in updates], refusals

    def _seeded(self, purpose: str, server_round: int, grid: Grid) -> Grid:
        """Seed the global generators, and return the grid for the wrapped strategy."""
        seed_global_generators(self.seed, purpose, server_round)
        return cast(Grid, NodesInOrder(grid, self.fog_nodes))
