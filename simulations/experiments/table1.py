"""Table 1: how many images each fog node and each end node has."""

from fog_flower.architecture import Scalar
from simulations.experiments.experiment import Cell, Experiment, Scale

# The paper rounds to hundreds, so that its sizes do not add up (6 x 3,900 > 23,300). Only the
# sizes for 3 fog nodes are known to us.
_PRINTED = {3: {"images_per_fog_node": 23_300, "images_per_end_node": 3_900}}

_ONE_QUICK_ROUND: dict[str, Scalar] = {
    "normalisation": "fitted",
    "model": "mlp-2-hidden",
    "num-server-rounds": 1,
    "gate": "off",
    "validation-examples": 100,
    "test-examples": 100,
    "end-nodes": 6,
}

TABLE1 = Experiment(
    name="table1",
    source="Table 1",
    varies="the number of fog nodes: how many images each tier holds",
    cells=tuple(
        Cell(
            name=f"fog-{nodes}",
            label=f"{nodes} fog nodes",
            family="any",
            settings={"fog-nodes": nodes},
            printed=_PRINTED.get(nodes, {}),
        )
        for nodes in (3, 5, 7)
    ),
    scales={
        "reduced": Scale(
            name="reduced",
            settings={"any": {**_ONE_QUICK_ROUND, "train-examples": 5_000}},
            engine="inline",
            seeded_data=True,
            note="5,000 training images; one round, only to count what arrives",
        ),
        "full": Scale(
            name="full",
            settings={"any": {**_ONE_QUICK_ROUND, "train-examples": 70_000}},
            engine="inline",
            seeded_data=False,
            note="the paper's 70,000 training images; one round, only to count what arrives",
        ),
    },
)
