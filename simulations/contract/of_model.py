"""The contract of a model."""

import numpy as np

from fog_flower.config import BFLOAT16, RunConfig
from fog_flower.data.load import load_dataset, preprocess_of
from fog_flower.weights import from_record, to_record
from simulations.contract.finding import BrokenContractError, Checks
from simulations.quiet import load_tensorflow_quietly


def checks(config: RunConfig) -> Checks:
    """Return the checks of the model that ``config`` names."""
    dataset = load_dataset(config)
    spec, task = dataset.spec, dataset.task
    load_tensorflow_quietly()
    import fog_flower.build_model as building  # noqa: PLC0415  (TensorFlow: seconds)

    def can_be_trained() -> None:
        building.build_untrained(config.model, spec, task, config.seed)

    def answers() -> None:
        inputs = preprocess_of(config, dataset, dataset.train)(dataset.train.inputs[:8])
        model = building.build_model(config.model, spec, task, config.seed)
        outputs = np.asarray(model(inputs, training=False))
        if not np.isfinite(outputs).all():
            raise BrokenContractError("the outputs of the untrained model are not finite")

    def travels() -> None:
        weights = building.build_model(config.model, spec, task, config.seed).get_weights()
        for one, other in zip(weights, from_record(to_record(weights)), strict=True):
            if (one.shape, one.dtype) != (other.shape, other.dtype):
                raise BrokenContractError(f"weights {one.dtype} {list(one.shape)} cannot be sent")

    def takes_bfloat16() -> None:
        building.build_model(config.model, spec, task, config.seed, BFLOAT16)

    return {
        "can be built, the same for one seed, and trained": can_be_trained,
        "answers with finite numbers": answers,
        "has weights that can be sent": travels,
        "can be built for mixed bfloat16": takes_bfloat16,
    }
