"""Runs a strategy so that it can be stopped after any round and continued later."""

from collections.abc import Callable, Iterable
from logging import INFO, WARNING

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.common import log
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result, Strategy

from fog_flower.artifacts import CHECKPOINT
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.reading import seconds_of
from fog_flower.records.recorder import RunRecorder
from fog_flower.weights import from_record, to_record
from strategies.continuing.checkpoint import Checkpoint
from strategies.continuing.conditions import conditions
from strategies.continuing.stopped_run import StoppedRun
from strategies.continuing.strategy_state import StrategyState
from strategies.validated_merge import ValidatedMerge

Evaluate = Callable[[int, ArrayRecord], MetricRecord | None]


class Continuable(Strategy):
    """Writes a checkpoint after every round, and can start after the last round of a stopped run.

    Flower's ``start`` always begins at round 1. Here the round numbers are shifted, so that
    strategy, fog nodes and records see those of the whole run.

    Parameters
    ----------
    strategy : ValidatedMerge
        The cloud's strategy, to which everything is delegated.
    recorder : RunRecorder
        The recorder of the run, still without rounds.
    config : RunConfig
    data_sha256 : str
        Hash of the run's data.
    stopped : StoppedRun, optional
        The run to continue.
    """

    def __init__(
        self,
        strategy: ValidatedMerge,
        recorder: RunRecorder,
        config: RunConfig,
        data_sha256: str,
        stopped: StoppedRun | None,
    ) -> None:
        super().__init__()
        self._strategy = strategy
        self._recorder = recorder
        self._conditions = conditions(config, data_sha256)
        self._state = StrategyState(strategy.strategy)
        self._keeps = CHECKPOINT in config.artifacts
        self._stopped = stopped
        self._before = stopped.checkpoint.server_round if stopped else 0

    def start(
        self,
        grid: Grid,
        initial_arrays: ArrayRecord,
        num_rounds: int = 3,
        timeout: float = 3600,
        train_config: ConfigRecord | None = None,
        evaluate_config: ConfigRecord | None = None,
        evaluate_fn: Evaluate | None = None,
    ) -> Result:
        """Run the remaining rounds of ``num_rounds`` in total, as Flower's ``start`` does."""

        def evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord | None:
            overall = server_round + self._before
            metrics = None
            if evaluate_fn and (server_round or not self._stopped):
                metrics = evaluate_fn(overall, arrays)
            if overall:
                self._keep(overall, arrays)
            return metrics

        if self._stopped:
            initial_arrays = self._take_over(self._stopped)
        result = super().start(
            grid,
            initial_arrays,
            num_rounds - self._before,
            timeout,
            train_config,
            evaluate_config,
            evaluate,
        )
        if num_rounds == self._before:
            result.arrays = initial_arrays
        return result

    def _take_over(self, stopped: StoppedRun) -> ArrayRecord:
        self._recorder.began -= seconds_of(stopped.rounds)
        for row in stopped.rounds:
            updates = [update for update in stopped.updates if update["round"] == row["round"]]
            self._recorder.add(row, updates)
        self._state.give_back(stopped.checkpoint.state)
        if masks := self._strategy.masks:
            masks.give_back(stopped.checkpoint.masks)
        log(INFO, "continues after round %d of %s", self._before, stopped.folder)
        return to_record(stopped.checkpoint.weights)

    def _keep(self, server_round: int, arrays: ArrayRecord) -> None:
        if not self._keeps:
            return
        try:
            kept = Checkpoint(
                server_round,
                from_record(arrays),
                self._state.take(),
                self._conditions,
                masks=masks.take() if (masks := self._strategy.masks) else {},
            )
        except UserError as error:
            self._keeps = False
            log(WARNING, "if this run is stopped, it cannot be continued: %s", error)
            kept = Checkpoint(server_round, [], b"", self._conditions, str(error))
        kept.write(self._recorder.folder)
        self._recorder.know({"can_continue": self._keeps})

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Delegate, with the round number in the whole run; so do the other methods."""
        return self._strategy.configure_train(server_round + self._before, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Delegate."""
        replies = list(replies)
        if any(r.has_error() and r.error.code == ErrorCode.UNKNOWN for r in replies):
            # The process around a fog node failed, for example because Ray was killed.
            self._keeps = False
        return self._strategy.aggregate_train(server_round + self._before, replies)

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Delegate."""
        return self._strategy.configure_evaluate(server_round + self._before, arrays, config, grid)

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        """Delegate."""
        return self._strategy.aggregate_evaluate(server_round + self._before, replies)

    def summary(self) -> None:
        """Delegate."""
        self._strategy.summary()
