"""What a wrapped strategy remembers from round to round: FedAdam's moments, for example."""

import pickle
import types
from typing import Any

from flwr.serverapp.strategy import Strategy

from fog_flower.errors import UserError

_NOT_STATE = ("reference_trainer",)  # given to a strategy by ``cloud_strategy``, not remembered
_CODE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, types.ModuleType)


class StrategyState:
    """Follows the attributes of a strategy that has just been built.

    An attribute counts as remembered if it is pickled to other bytes than at the beginning.

    Parameters
    ----------
    strategy : Strategy
        The wrapped one.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._built = {name: _pickled(value) for name, value in self._attributes().items()}

    def take(self) -> bytes:
        """Return the attributes that have changed, pickled; empty if there are none.

        Raises
        ------
        UserError
            If one cannot be pickled, and is no code either: whether it changed is not known.
        """
        changed = {}
        for name, value in self._attributes().items():
            now = _pickled(value)
            if now is None and not isinstance(value, _CODE):
                raise UserError(
                    f"{type(self._strategy).__name__}.{name} cannot be pickled "
                    f"({type(value).__name__})"
                )
            if now is not None and now != self._built.get(name):
                changed[name] = value
        return pickle.dumps(changed) if changed else b""

    def give_back(self, state: bytes) -> None:
        """Set what ``take`` returned in another process.

        Unpickling runs code: only for files of one's own.
        """
        for name, value in (pickle.loads(state) if state else {}).items():  # noqa: S301
            setattr(self._strategy, name, value)

    def _attributes(self) -> dict[str, Any]:
        return {name: v for name, v in vars(self._strategy).items() if name not in _NOT_STATE}


def _pickled(value: Any) -> bytes | None:
    try:
        return pickle.dumps(value)
    except Exception:  # what an object of the user's raises is not known
        return None
