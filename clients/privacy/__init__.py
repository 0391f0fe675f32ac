"""Protections of examples and updates: a folder per tier, a file per mechanism.

``end_node/``: ``mechanism(share, context)`` takes and returns ``Examples`` as the model sees them.
``fog_node/``: a mechanism replaces the training (``DpSgd``), or takes and returns dW. A mechanism
is a function, which also gets the arguments of the configuration, or a class that is constructed
with them. An object of a class may have a method ``guarantee``.
"""

from fog_flower.named import Catalogue

_END_NODE, _FOG_NODE = (
    (f"{__name__}.end_node", "protection"),
    (f"{__name__}.fog_node", "fog-protection"),
)
PROTECTIONS = Catalogue(*_END_NODE, own="module:function", confused_with=Catalogue(*_FOG_NODE))
FOG_PROTECTIONS = Catalogue(*_FOG_NODE, own="module:Name", confused_with=Catalogue(*_END_NODE))
