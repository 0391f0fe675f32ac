"""What an end node does to its share before it ships it, a file each.

``def noise(share, context)`` takes and returns ``Examples`` as a model sees them. A user's own is
``protection=module:function`` with the same two arguments; several are applied in their order.
"""

from fog_flower.named import Catalogue

PROTECTIONS = Catalogue(__name__, "protection", own="module:function")
