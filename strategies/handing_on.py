"""Aggregates the accepted updates into the next W with a Flower strategy."""

import copy
import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import Strategy

from fog_flower.causes import describe_failure, in_user_code
from fog_flower.errors import UserError
from fog_flower.messages import ARRAYS, METRICS
from fog_flower.seeds import seed_global_generators
from fog_flower.weights import Weights, add, all_finite, as_dtype, from_record, same_but_rounding
from strategies.enough_nodes import cannot_compute
from strategies.merging import scale_for_sum
from strategies.updates import Update, common_metrics

Merged = tuple[ArrayRecord, MetricRecord | None, str]  # the next W, metrics, and a note


@dataclasses.dataclass(frozen=True)
class HandingOn:
    """Passes updates to a strategy as the weights that it expects, and checks what it returns.

    Attributes
    ----------
    strategy : Strategy
    seed : int
        See ``ValidatedMerge``.
    scale_to_sum : bool
        See ``ValidatedMerge``.
    keep_finite : bool
        Whether to keep W if the merge is not finite. Without a gate, such a merge is taken.
    """

    strategy: Strategy
    seed: int
    scale_to_sum: bool
    keep_finite: bool

    def __call__(
        self,
        server_round: int,
        record: ArrayRecord,
        weights: Weights,
        accepted: list[Update],
        factors: Sequence[float] | None = None,
    ) -> Merged:
        """Return the next W, in W's names, shapes and dtypes.

        Parameters
        ----------
        accepted : list of k Update
            Emptied, so that no dW is kept beside its W + dW.
        factors : k numbers, optional
            Weights of the dW, in place of those that the strategy gives them. They take effect
            only if the strategy is a weighted mean.

        Raises
        ------
        UserError
            If what the strategy returns cannot be the next W.
        """
        if not accepted:
            return record, None, "no update was accepted: W is kept"
        name = type(self.strategy).__name__
        if too_few := cannot_compute(self.strategy, len(accepted)):
            return record, None, f"{name} {too_few}: W is kept"
        count = len(accepted)
        messages = self._as_weights(record, weights, accepted, factors)
        seed_global_generators(self.seed, "aggregate", server_round)
        with in_user_code(f"strategy {name}: aggregate_train"):
            answer = self.strategy.aggregate_train(server_round, messages)
        arrays, metrics = _pair(answer, name)
        if arrays is None:
            return record, metrics, f"{name} returned no arrays: W is kept"
        merged = _fitting(_in_order(arrays, record), weights, name)
        with np.errstate(over="ignore"):  # overflow in W's dtype gives inf, which is handled below
            merged = [as_dtype(a, like.dtype) for a, like in zip(merged, weights, strict=True)]
        if self.keep_finite and not all_finite(merged):
            return record, metrics, f"{name} merged to numbers not finite: W is kept"
        note = ""
        if same_but_rounding(merged, weights, count):
            note = f"{name} returned W unchanged"
        return _as_record(merged, record, weights), metrics, note

    def _as_weights(
        self,
        record: ArrayRecord,
        weights: Weights,
        accepted: list[Update],
        learned: Sequence[float] | None,
    ) -> list[Message]:
        """Return the messages of the updates, with W + dW instead of dW."""
        reported = common_metrics(accepted)
        factors = [1.0] * len(accepted)
        if learned is not None or self.scale_to_sum:
            factors = scale_for_sum([update.num_examples for update in accepted])
        if learned is not None:
            factors = [wanted * factor for wanted, factor in zip(learned, factors, strict=True)]
        messages = []
        accepted.reverse()
        for factor, metrics in zip(factors, reported, strict=True):
            update = accepted.pop()
            # With factor 1 the result must equal the wrapped strategy's bit for bit.
            delta = update.delta if factor == 1.0 else [d * factor for d in update.delta]
            messages.append(
                _message_with(update, _as_record(add(weights, delta), record, weights), metrics)
            )
        return messages


def _message_with(
    update: Update, arrays: ArrayRecord, metrics: Mapping[str, int | float]
) -> Message:
    """Return a copy of the update's message with other arrays and metrics, and clear the message.

    Flower keeps the messages of a round until the next one has been trained. The copy lives only as
    long as the strategy keeps it.
    """
    content = update.message.content
    further = {n: r for n, r in content.array_records.items() if n in update.extras}
    for name in (*content.array_records, *content.metric_records):
        del content[name]
    told = MetricRecord(dict(metrics))
    message = copy.copy(update.message)
    # The further arrays come after W + dW: Flower takes the first record.
    message.content = RecordDict({**content, ARRAYS: arrays, METRICS: told, **further})
    return message


def _pair(answer: object, name: str) -> tuple[ArrayRecord | None, MetricRecord | None]:
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise UserError(
            f"strategy {name}: aggregate_train must return (arrays, metrics), or (None, None), "
            f"not {type(answer).__name__}"
        )
    arrays, metrics = answer
    if not isinstance(arrays, ArrayRecord | None):
        raise UserError(
            f"strategy {name}: aggregate_train returned a {type(arrays).__name__} as arrays; "
            "return an ArrayRecord, or None"
        )
    return arrays, as_metrics(metrics, f"strategy {name}: aggregate_train")


def as_metrics(metrics: object, what: str) -> MetricRecord | None:
    """Return the metrics that a strategy aggregated as a ``MetricRecord``, or None.

    Raises
    ------
    UserError
        If they are not a mapping of names to numbers or lists of numbers.
    """
    if metrics is None or isinstance(metrics, MetricRecord):
        return metrics
    try:
        return MetricRecord(dict(metrics))  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{what} returned a {type(metrics).__name__} as metrics; return a MetricRecord "
            "(numbers and lists of numbers by name), or None"
        ) from error


def _in_order(arrays: ArrayRecord, record: ArrayRecord) -> ArrayRecord:
    """Return arrays in W's order if they have W's names, and unchanged otherwise."""
    if set(arrays) != set(record):
        return arrays
    return ArrayRecord({name: arrays[name] for name in record})


def _fitting(arrays: ArrayRecord, weights: Weights, name: str) -> Weights:
    """Return the arrays of a strategy, and raise if they cannot be the next W."""
    try:
        merged = from_record(arrays)
    except Exception as error:
        raise UserError(
            f"strategy {name}: the arrays it returned cannot be read ({describe_failure(error)})"
        ) from error
    ours, theirs = ([list(a.shape) for a in w] for w in (weights, merged))
    if ours != theirs:
        raise UserError(
            f"strategy {name}: aggregate_train returned arrays of shapes {theirs}, but W has "
            f"{ours}; return them under W's names, or in the order of the replies' arrays"
        )
    for array in merged:
        if array.dtype.kind not in "fiub":
            raise UserError(
                f"strategy {name}: aggregate_train returned an array of {array.dtype}; return real "
                "numbers"
            )
    return merged


def _as_record(merged: Weights, record: ArrayRecord, weights: Weights) -> ArrayRecord:
    """Return a record of the arrays with W's keys and dtypes."""
    packed = ArrayRecord()
    for key, array, like in zip(record, merged, weights, strict=True):
        packed[key] = Array.from_numpy_ndarray(as_dtype(array, like.dtype))
    return packed
