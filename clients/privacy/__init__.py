"""Protections of examples and updates: a folder per tier, a file per mechanism.

``end_node/``: ``mechanism(share, context)`` takes and returns ``Examples`` as a model sees them.
``fog_node/``: how a fog node trains, and what becomes of its dW. A function is called with the
arguments of the configuration as well; of a class, an object is made with them, which may say what
it promises (``guarantee``).
"""

from fog_flower.named import Catalogue

PROTECTIONS = Catalogue(f"{__name__}.end_node", "protection", own="module:function")
FOG_PROTECTIONS = Catalogue(f"{__name__}.fog_node", "fog-protection", own="module:Name")
