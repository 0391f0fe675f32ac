"""Attacks of malicious fog nodes, one file each.

An attack is a function such as ``def sign_flip(attacker, strength=1.0)``. It returns the dW to
send, or the ``LocalResult`` of training on data of its choice, or a ``Claimed``.
``attack-strength`` is passed as ``strength`` if it is not 0. Set ``attack=module:function`` to use
an attack of your own with the same arguments.
"""

from fog_flower.named import Catalogue

ATTACKS = Catalogue(__name__, "attack", own="module:function")
