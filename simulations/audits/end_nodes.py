"""What end nodes would ship of any examples, by the protections of a configuration."""

import dataclasses

import numpy as np

from clients.end_node import protected_share
from clients.privacy._context import Context
from fog_flower.config import RunConfig
from fog_flower.data.field import Field
from fog_flower.tasks.examples import Examples

OTHER_NODE = 1_000_000  # number of an end node that no run has
COPIES = 8  # over which noise is averaged, of what is asked about


@dataclasses.dataclass(frozen=True)
class EndNodes:
    """Runs the protections of a configuration on any examples.

    Attributes
    ----------
    config : RunConfig
    field : Field
        Of the run.
    end_node : int
        Whose noise is drawn, where it is keyed by end node.
    """

    config: RunConfig
    field: Field
    end_node: int = 0

    def protected(self, share: Examples) -> Examples:
        """Return preprocessed examples as they would be shipped.

        Raises
        ------
        UserError
            If a protection fails.
        """
        spec = self.field.dataset.spec
        deviation = self.field.preprocess.deviation
        context = Context(self.config, 0, self.end_node, spec, self.field.dataset.task, deviation)
        return protected_share(share, context)


def as_queried(config: RunConfig, field: Field, raw: Examples) -> Examples:
    """Return examples as a model knows them best, if only the protections are known.

    A projection is done again, because the model saw nothing else; noise is averaged over copies.
    Targets are the true ones.

    Parameters
    ----------
    config : RunConfig
    field : Field
    raw : Examples
        Preprocessed.
    """
    if not config.protection:
        return raw
    copies = [
        EndNodes(config, field, OTHER_NODE + number).protected(raw).inputs
        for number in range(COPIES)
    ]
    return Examples(np.asarray(np.mean(copies, axis=0), np.float32), raw.targets)
