"""Validated merging (paper, section 3): any Flower strategy on dW replies, behind a gate or not."""

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
        Evaluates nodes' own models; without one, nothing of them is recorded.
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
    client_mods : bool
        Whether fog nodes have mods of the user's own. With them a strategy may send further
        settings and arrays, and gets further arrays of these names back, which no gate judges;
        without, that is an error, because nobody would read it.
    masks : MaskedGroups, optional
        Fog nodes send masked sums of groups: an update is the mean of a group, for the gate and for
        the strategy. Without it each fog node's dW is one.

    Attributes
    ----------
    report : RoundReport or None
        What was decided in the last round.
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
        self.fog_nodes = {} if fog_nodes is None else fog_nodes  # nodes may come back
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
        """Let the wrapped strategy choose, and remember W and who was asked."""
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
        """Hand the accepted updates to the wrapped strategy as weights.

        Where there is none, W is kept, and the report's note says so.
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
        arrays, metrics, note = self._hand_on(
            server_round, self._record, self._weights, accepted, factors
        )
        verdicts = [
            *chain.from_iterable(map(verdicts_of, updates, decisions, alone or repeat(None))),
            *(Verdict(refusal.fog_node, False, refusal.reason) for refusal in refusals),
        ]
        self.report = RoundReport(
            server_round=server_round,
            verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.fog_node)),
            bytes_down=self._questions.bytes_down,
            train_seconds=began - self._sent_at,
            validation_seconds=judged - began,
            gate_seconds=judged - asked,
            merge_seconds=time.perf_counter() - judged,
            note="; ".join(one for one in (judgement.note, note) if one),
            cloud_weight=judgement.own_weight(accepted, summed=self._hand_on.scale_to_sum),
        ).with_note(self.masks.note if self.masks else "")
        log_report(self.report)
        return arrays, metrics

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Delegate, with what the wrapped strategy draws seeded as for training."""
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
        """Delegate, with what the wrapped strategy draws seeded as for training."""
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
        """Sort the replies; what a node adds to other weights than W becomes what it adds to W."""
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
        """Seed what the wrapped strategy draws from, and return the grid that it is to see."""
        seed_global_generators(self.seed, purpose, server_round)
        return cast(Grid, NodesInOrder(grid, self.fog_nodes))
