"""An attacker's own copy of the cloud: the code of the gate, run on the attacker's data."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from clients.local_training import node_data
from fog_flower.config import OFF, RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.tasks.examples import Array, Examples
from fog_flower.weights import Weights, add, flatten, unflatten

Vector = npt.NDArray[np.float32]
PRIVATE = 0.4  # length of each colluder's noise over that of the update: cosines stay below 0.9


class OwnCloud:
    """The cloud as an attacker can simulate it: the gate's own code on the attacker's data.

    The attacker sees all traffic, so it knows the honest updates. It knows neither the cloud's
    examples nor the cloud's own update, in whose place it uses its own honest update.

    Parameters
    ----------
    attacker : Attacker
        Usually the leader of the colluders, so that all of them get the same results.
    """

    def __init__(self, attacker: Attacker) -> None:
        self._attacker = attacker
        run_id = attacker.context.run_id
        self._evaluator, self._reference = own_evaluators(
            run_id, attacker.config, attacker.fog_node
        )

    def gradient(self, weights: Weights) -> Weights:
        """Return the gradient of the loss on the attacker's data."""
        everywhere = np.arange(len(self._evaluator))
        gradient: Weights = self._evaluator.slope(weights, everywhere).gradient
        return gradient

    def harm(self, sent: Vector) -> float:
        """Return the loss of the cloud's merge if all colluders sent ``sent``, each disguised."""
        merged = self._merged(sent)
        with np.errstate(all="ignore"):
            loss = float(self._evaluator.evaluate(merged).loss)
        return loss if np.isfinite(loss) else np.inf

    def lets_in(self, sent: Vector, beside: Sequence[Vector]) -> bool:
        """Check whether the gate would accept an update beside others; gate=off accepts all."""
        if self._attacker.config.gate == OFF:
            return True
        start = self._attacker.weights
        judgement, _ = self._judged([unflatten(vector, start) for vector in [*beside, sent]])
        return bool(judgement.decisions[-1].accepted)

    def _merged(self, sent: Vector) -> Weights:
        attacker = self._attacker
        start = attacker.weights
        honest = [flatten(update) for update in attacker.others_updates()]
        bad = [disguised(sent, attacker.seeded(node)) for node in attacker.colluders]
        vectors = [*honest, *bad]
        if attacker.config.gate == OFF:
            return add(start, unflatten(np.mean(vectors, axis=0, dtype=np.float32), start))
        judgement, updates = self._judged([unflatten(vector, start) for vector in vectors])
        accepted, factors = judgement.accepted_of(updates)
        if not accepted:
            return start
        shares = factors or [1.0 / len(accepted)] * len(accepted)
        step = np.sum(
            [np.float32(f) * flatten(u.delta) for f, u in zip(shares, accepted, strict=True)],
            axis=0,
        )
        return add(start, unflatten(step, start))

    def _judged(self, deltas: Sequence[Weights]) -> tuple[Any, Any]:
        from strategies.build import build_judge  # noqa: PLC0415  (Flower's strategies)
        from strategies.updates import own_update  # noqa: PLC0415

        attacker = self._attacker
        examples = max(len(self._evaluator), 1)
        updates = [own_update(delta, examples, 1.0) for delta in deltas]
        trainer = _StandIn(attacker, examples) if attacker.config.cloud_examples else None
        config = dataclasses.replace(attacker.config, seed=attacker.config.seed + 1)
        judge = build_judge(config, self._evaluator, self._reference, trainer)
        return judge.judge(attacker.server_round, attacker.weights, updates), updates


class _StandIn:
    """Replaces the cloud's own update, which no attacker knows, by the attacker's honest one."""

    def __init__(self, attacker: Attacker, examples: int) -> None:
        self._attacker, self._examples = attacker, examples

    def __len__(self) -> int:
        return self._examples

    def update(self, _weights: Weights, _server_round: int) -> Any:
        from strategies.updates import own_update  # noqa: PLC0415

        return own_update(self._attacker.honest_update, self._examples, 1.0)


def most_harmful(attacker: Attacker, name: str, candidates: Sequence[Vector]) -> Weights:
    """Return the most harmful candidate, disguised for this colluder; searched once per round.

    Parameters
    ----------
    attacker : Attacker
    name : str
        The name under which the colluders share the result.
    candidates : sequence of Vector
    """

    def find_out() -> Weights:
        cloud = OwnCloud(attacker.leader)
        return [np.array(np.argmax([cloud.harm(candidate) for candidate in candidates]))]

    (found,) = attacker.shared(name, find_out)
    return unflatten(disguised(candidates[int(found)], attacker.rng), attacker.honest_update)


def disguised(sent: Vector, rng: np.random.Generator) -> Vector:
    """Add private noise to an update, so that no two colluders send the same."""
    noise = rng.standard_normal(sent.shape).astype(np.float32)
    length = float(np.linalg.norm(noise))
    return sent + np.float32(PRIVATE * float(np.linalg.norm(sent)) / (length or 1.0)) * noise


@functools.lru_cache(maxsize=1)  # the same in every round
def own_evaluators(run_id: int, config: RunConfig, fog_node: int) -> tuple[Any, Any]:
    """Return an evaluator and a reference trainer on an attacker's own data."""
    from fog_flower.tensorflow_setup import precision_here  # noqa: PLC0415  (TensorFlow)
    from strategies.compiled_model import shared_model  # noqa: PLC0415
    from strategies.keras_evaluator import KerasEvaluator  # noqa: PLC0415
    from strategies.reference_trainer import KerasReferenceTrainer  # noqa: PLC0415

    dataset = prepare_field(config).dataset
    model = shared_model(config.model, dataset.spec, dataset.task, precision_here(config.precision))
    known = node_data(run_id, config, fog_node)
    data = Examples(known.inputs, known.targets)
    reference = KerasReferenceTrainer(
        model,
        data,
        _as_they_are,
        learning_rate=config.learning_rate_in,
        examples=config.reference_examples,
        seed=config.seed + fog_node,
    )
    return KerasEvaluator(model, data, _as_they_are), reference


def _as_they_are(inputs: Array) -> Array:
    return inputs  # a fog node's inputs are preprocessed already
