"""Models, one file each: a function from spec and task to an uncompiled Keras model.

A user's own is ``model=module:function``, with or without these two arguments.
"""

from fog_flower.named import Catalogue

MODELS = Catalogue(__name__, "model", own="module:function returning a Keras model")
