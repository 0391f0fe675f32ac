"""Examples as end nodes would ship them with the protections of a configuration."""

import numpy as np

from clients.end_node import protected_share
from clients.privacy._context import Context
from fog_flower.config import RunConfig
from fog_flower.data.field import Field
from fog_flower.tasks.examples import Examples

OTHER_NODE = 1_000_000  # the number of an end node that exists in no run
COPIES = 8  # over which noise is averaged


def as_shipped(config: RunConfig, field: Field, raw: Examples, end_node: int = 0) -> Examples:
    """Return examples as an end node would ship them.

    Parameters
    ----------
    config : RunConfig
    field : Field
        The run's training data.
    raw : Examples
        Preprocessed.
    end_node : int
        The end node whose noise is drawn, if noise is keyed by end node.

    Raises
    ------
    UserError
        If a protection fails.
    """
    spec, task = field.dataset.spec, field.dataset.task
    context = Context(config, 0, end_node, spec, task, field.preprocess.deviation)
    return protected_share(raw, context)


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
        as_shipped(config, field, raw, OTHER_NODE + number).inputs for number in range(COPIES)
    ]
    return Examples(np.asarray(np.mean(copies, axis=0), np.float32), raw.targets)
