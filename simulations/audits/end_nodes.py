"""Examples as end nodes would ship them with the protections of a configuration."""

import dataclasses

import numpy as np

from clients.end_node import protected_share
from clients.privacy._context import Context
from fog_flower.config import RunConfig
from fog_flower.data.field import Field
from fog_flower.tasks.examples import Examples

OTHER_NODE = 1_000_000  # the number of an end node that exists in no run
COPIES = 8  # over which noise is averaged


@dataclasses.dataclass(frozen=True)
class EndNodes:
    """Applies the protections of a configuration to any examples.

    Attributes
    ----------
    config : RunConfig
    field : Field
        The run's training data.
    end_node : int
        The end node whose noise is drawn, if noise is keyed by end node.
    """

    config: RunConfig
    field: Field
    end_node: int = 0

    def protected(self, share: Examples) -> Examples:
        """Return preprocessed examples as an end node would ship them.

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
    """Return examples in the form in which an attacker best queries the trained model.

    The attacker knows only the protections. A projection is applied, because the model was trained
    on projected inputs. Noise is averaged over copies. Targets stay the true ones.

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
