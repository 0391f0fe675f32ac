"""The contract of a feature map."""

import numpy as np
import numpy.typing as npt

from fog_flower.config import RunConfig
from fog_flower.data.load import load_dataset, preprocess_of
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged

EXAMPLES = 8
ROUNDING = 1e-4  # of the largest feature: sums of a batch may round differently


def checks(config: RunConfig) -> Checks:
    """Return the checks of the feature map that ``config`` names."""
    dataset = load_dataset(config)
    few = dataset.train.take(np.arange(EXAMPLES))
    preprocess = preprocess_of(config, dataset, few)

    def mapped(*numbers: int) -> npt.NDArray[np.float32]:
        return np.asarray(preprocess(few.inputs[list(numbers)]))

    def maps() -> None:
        found, wanted = mapped(*range(EXAMPLES)), dataset.spec
        if found.shape[1:] != wanted.shape or not np.isfinite(found).all():
            raise BrokenContractError(
                f"features of {EXAMPLES} examples are {list(found.shape)}, of one {wanted}"
            )

    def is_fixed() -> None:
        if not np.array_equal(mapped(*range(EXAMPLES)), mapped(*range(EXAMPLES))):
            raise BrokenContractError("called twice, it gives different features: use a fixed seed")

    def maps_each_alone() -> None:
        together = mapped(*range(EXAMPLES))
        alone = np.concatenate([mapped(number) for number in range(EXAMPLES)])
        edge = ROUNDING * float(np.abs(together).max())
        if not np.allclose(together, alone, rtol=0.0, atol=edge):
            raise BrokenContractError(
                "features of an example depend on other examples, so protections of a single "
                "example do not hold"
            )

    def changes_nothing() -> None:
        check_unchanged(
            [few.inputs], lambda: mapped(*range(EXAMPLES)), "it changed the inputs in place"
        )

    return {
        "maps examples to finite numbers of one shape": maps,
        "maps the same twice": is_fixed,
        "maps each example by itself": maps_each_alone,
        "does not change what it is given": changes_nothing,
    }
