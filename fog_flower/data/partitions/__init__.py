"""Rules that assign training examples to fog nodes, one file each.

``def iid(groups, fog_nodes, argument, seed)`` returns the positions of each fog node's examples.
``groups`` is the group (class) of each example, int64 [n]. A user's own is
``partition=module:function``, called with ``(groups, fog_nodes, seed)``.
"""

from fog_flower.named import Catalogue

PARTITIONS = Catalogue(__name__, "partition", own="module:function")
