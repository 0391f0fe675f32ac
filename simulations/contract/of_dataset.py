"""The contract of a data set."""

from fog_flower.config import RunConfig
from fog_flower.data import load
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import preprocess_of
from fog_flower.data.shards import assign_shards
from fog_flower.data.split import split_dataset
from fog_flower.topology import Topology
from simulations.contract.finding import BrokenContractError, Checks


def checks(config: RunConfig) -> Checks:
    """Return the checks of the data set that ``config`` names."""

    def loaded() -> Dataset:
        load._last.clear()  # empty the cache, so that it is really loaded again
        return load.load_dataset(config)

    def is_repeatable() -> None:
        one, other = loaded(), loaded()
        if one.sha256 != other.sha256:
            raise BrokenContractError(
                "loading it twice gives different data; every fog node loads it, so seed its draws"
            )
        if one.identity() != other.identity():
            raise BrokenContractError("loading it twice gives another spec or task")

    def can_be_split() -> None:
        data = load.load_dataset(config)
        train = data.train.targets[split_dataset(data, config).train]
        topology = Topology(config.fog_nodes, config.end_nodes)
        assign_shards(data.task, train, topology, config.partition, config.seed)

    def can_be_seen() -> None:
        data = load.load_dataset(config)
        few = data.train.take(split_dataset(data, config).train[:8])
        inputs = preprocess_of(config, data, few)(few.inputs)
        if inputs.shape[1:] != data.spec.shape or inputs.dtype != data.spec.dtype:
            raise BrokenContractError(
                f"preprocessing makes {inputs.dtype} {list(inputs.shape[1:])} of inputs that it "
                f"calls {data.spec}"
            )

    return {
        "loads the same twice": is_repeatable,
        "has enough examples for its sets and end nodes": can_be_split,
        "is preprocessed to what it says": can_be_seen,
    }
