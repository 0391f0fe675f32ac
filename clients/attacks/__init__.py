"""Misbehaving fog nodes, one file each: a function from what an attacker knows to what it sends.

``def sign_flip(attacker, strength=1.0)`` returns the dW to send (or the ``LocalResult`` of training
on data of its choosing). ``attack-strength`` is passed where it is not 0. A user's own attack is
``attack=module:function`` with the same arguments.
"""

from fog_flower.named import Catalogue

ATTACKS = Catalogue(__name__, "attack", own="module:function")
