"""Protections of examples and updates: a folder per tier, a file per mechanism.

``end_node/``: ``mechanism(share, context)`` takes and returns ``Examples`` as a model sees them.
``fog_node/``: how a fog node trains, and what becomes of its dW. A function is called with the
arguments of the configuration as well; of a class, an object is made with them, which may say what
it promises (``guarantee``).
"""

from fog_flower.named import Catalogue

_END_NODE, _FOG_NODE = (
    (f"{__name__}.end_node", "protection"),
    (f"{__name__}.fog_node", "fog-protection"),
)
PROTECTIONS = Catalogue(*_END_NODE, own="module:function", beside=Catalogue(*_FOG_NODE))
FOG_PROTECTIONS = Catalogue(*_FOG_NODE, own="module:Name", beside=Catalogue(*_END_NODE))
