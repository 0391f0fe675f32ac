"""Saves and restores the state of a wrapped strategy, such as FedAdam's moments."""

import io
import pickle
import types
from typing import Any

from flwr.serverapp.strategy import Strategy

from fog_flower.errors import UserError

# Set by ``strategies.build`` in the continuing run as well, perhaps for fewer fog nodes.
_GIVEN = ("reference_trainer", "cloud_trainer", "min_train_nodes", "min_available_nodes")
_CODE = (types.FunctionType, types.BuiltinFunctionType, type, types.ModuleType)
_SELF = "strategy"


class StrategyState:
    """The state of a strategy: its attributes.

    The global generators of Python and NumPy are not part of it, because ``ValidatedMerge`` seeds
    them anew in every round.

    Parameters
    ----------
    strategy : Strategy
        The wrapped one.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def take(self) -> bytes:
        """Return the pickled attributes. Functions, classes and modules may be left out.

        Raises
        ------
        UserError
            If any other attribute cannot be pickled, because its value would then be lost.
        """
        kept = {k: v for k, v in vars(self._strategy).items() if k not in _GIVEN}
        try:
            return self._dumps(kept)
        except Exception:  # a user's object may raise anything
            return self._dumps({k: v for k, v in kept.items() if self._can_keep(k, v)})

    def give_back(self, state: bytes) -> None:
        """Restore the attributes that ``take`` returned in another process.

        Unpickling can run arbitrary code: use only files that you trust.

        Raises
        ------
        UserError
            If the state cannot be unpickled here.
        """
        try:
            kept = self._loads(state)
        except Exception as error:
            raise UserError(
                f"what {type(self._strategy).__name__} remembers cannot be unpickled here "
                f"({type(error).__name__}: {error}); start the run again"
            ) from error
        for name, value in kept.items():
            if name not in _GIVEN:
                setattr(self._strategy, name, value)

    def _can_keep(self, name: str, value: Any) -> bool:
        """Check whether an attribute can be pickled, and raise if it cannot and is not code."""
        try:
            self._dumps(value)
        except Exception as error:
            if not isinstance(value, _CODE):
                raise UserError(
                    f"{type(self._strategy).__name__}.{name} ({type(value).__name__}) cannot "
                    f"be pickled: {error}"
                ) from error
            return False
        return True

    # Attributes may refer to the strategy, as its bound methods do. Such references are restored
    # to the strategy itself, not to a copy.

    def _dumps(self, value: Any) -> bytes:
        strategy, buffer = self._strategy, io.BytesIO()

        class Pickler(pickle.Pickler):
            def persistent_id(self, item: Any) -> str | None:
                return _SELF if item is strategy else None

        Pickler(buffer).dump(value)
        return buffer.getvalue()

    def _loads(self, state: bytes) -> Any:
        strategy = self._strategy

        class Unpickler(pickle.Unpickler):
            def persistent_load(self, _name: Any) -> Strategy:
                return strategy

        return Unpickler(io.BytesIO(state)).load()
