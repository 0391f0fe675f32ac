"""Finds the object that a name in the configuration means: in a catalogue, or the user's own.

A catalogue is a folder, and each file in it is a name: ``sign-flip`` is the object ``sign_flip`` in
``clients/attacks/sign_flip.py``, ``cloud-alone`` the class ``CloudAlone`` in
``strategies/gates/cloud_alone.py``. To add one, add a file; to remove one, delete it. Files whose
name begins with ``_`` are helpers. ``module:Name`` names an object of the user's own, of any kind.
"""

import ast
import dataclasses
import functools
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.errors import UserError
from fog_flower.name_clashes import explain_clash, hiding
from fog_flower.suggestion import did_you_mean, unknown_argument


@dataclasses.dataclass(frozen=True)
class Named:
    """The object that a name stands for.

    Attributes
    ----------
    item : object
        The function, class or object.
    argument : str
        The text after the colon of a catalogue's name, e.g. ``0.3`` of ``dirichlet:0.3``.
    own : bool
        Whether it is the user's own (``module:Name``).
    arguments : mapping
        The arguments in parentheses, e.g. ``{"epsilon": 8}`` of ``gaussian(epsilon=8)``.
    """

    item: Any
    argument: str
    own: bool
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The objects in the files of one folder, by name.

    Parameters
    ----------
    package : str
        The folder's package; its ``__init__`` passes ``__name__``.
    key : str
        The configuration key whose values are these names, for messages.
    own : str
        How users name an object of their own, for messages.
    no_files : tuple of str
        Values of the key that are not files, for messages.
    confused_with : Catalogue, optional
        The catalogue of another key that users confuse with this one, for messages.
    """

    package: str
    key: str
    own: str = "module:name"
    no_files: tuple[str, ...] = ()
    confused_with: "Catalogue | None" = None

    @functools.cache  # noqa: B019  (catalogues live as long as the process)
    def names(self) -> tuple[str, ...]:
        """Return all names, sorted, without importing their files."""
        spec = importlib.util.find_spec(self.package)
        folders = list(spec.submodule_search_locations or []) if spec else []
        stems = (module.name for module in pkgutil.iter_modules(folders))
        return tuple(sorted(s.replace("_", "-") for s in stems if not s.startswith("_")))

    def has(self, text: str) -> bool:
        """Return whether ``name`` or ``name:argument`` is in the catalogue."""
        return self.module_of(text) is not None

    def module_of(self, text: str) -> str | None:
        """Return the module of ``name`` or ``name:argument``; None if the catalogue has none."""
        stem = self._stem(text.partition("(")[0].partition(":")[0])
        return None if stem is None else f"{self.package}.{stem}"

    def load(self, text: str) -> Named:
        """Import the object that ``name``, ``name:argument`` or ``module:Name`` stands for.

        Each may have arguments in parentheses: ``gaussian(epsilon=8)``.

        Raises
        ------
        UserError
            If the name is unknown, its arguments cannot be parsed, or the user's module or object
            cannot be imported.
        """
        called, arguments = split_call(text, self.key)
        head, colon, argument = called.partition(":")
        stem = self._stem(head)
        if stem is not None:
            module = importlib.import_module(f"{self.package}.{stem}")
            return Named(_namesake(module, stem), argument, False, arguments)
        if not colon:
            raise self.unknown(text)
        return Named(load_reference(called, self.key), "", True, arguments)

    def unknown(self, text: str) -> UserError:
        """Return the error for a name that is not in the catalogue."""
        names = (*self.no_files, *self.names())
        hint = did_you_mean(text, names)
        if self.confused_with and self.confused_with.has(text):
            hint = f"; {text} is for {self.confused_with.key}={text}"
        hint = lying_here(text, f"{self.key}=", self.own) or hint
        return UserError(
            f"{self.key}={text!r}: choose from {', '.join(names)}, or your own as {self.own}{hint}"
        )

    def _stem(self, name: str) -> str | None:
        wanted = _plain(name)
        stems = (known.replace("-", "_") for known in self.names())
        return next((stem for stem in stems if _plain(stem) == wanted), None)


def refuse_unknown(
    what: str, signature: inspect.Signature, given: Mapping[str, Any], skipped: int = 0
) -> None:
    """Refuse arguments that a function does not have.

    Parameters
    ----------
    what : str
        Key and value, for the message.
    signature : Signature
    given : mapping
        The user's arguments.
    skipped : int
        Number of first parameters that are not the user's to give.

    Raises
    ------
    UserError
        With all arguments that there are, and the one most like it.
    """
    parameters = list(signature.parameters.values())[skipped:]
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    names = [one.name for one in parameters if one.kind is not one.VAR_POSITIONAL]
    for name in given:
        if name not in names:
            raise UserError(f"{what}: {unknown_argument(name, names)}")


def refuse_together(what: str, item: Any, given: Mapping[str, Any]) -> None:
    """Refuse arguments of which a class takes only one: those of its ``exclusive``.

    Parameters
    ----------
    what : str
        Key and value, for the message.
    item : class or function
    given : mapping
        The user's arguments.
    """
    both = [name for name in getattr(item, "exclusive", ()) if name in given]
    if len(both) > 1:
        told = " and ".join(f"{name}={given[name]!r}" for name in both)
        raise UserError(f"{what}: {told} say the same in two ways; give one of them")


def lying_here(text: str, key: str, own: str) -> str:
    """Return what to write if a name is that of a file in the current folder; empty if it is not.

    Parameters
    ----------
    text : str
        The unknown name, which may have arguments in parentheses.
    key : str
        The configuration key, and ``=``, or another beginning of what to write.
    own : str
        How users name an object of their own: ``module:Class``.
    """
    module = text.partition("(")[0].strip().removesuffix(".py")
    if not module.isidentifier() or not Path(f"{module}.py").is_file():
        return ""
    what = re.split(r"\W", own.partition(":")[2])[0] or "name"
    return f"; {module}.py is here: name the {what.lower()} in it, {key}{module}:{what}"


def load_reference(reference: str, key: str) -> Any:
    """Import the object that ``module:name`` names, in Flower's own syntax.

    Parameters
    ----------
    reference : str
        ``package.module:attribute``.
    key : str
        The configuration key, for the error message.

    Raises
    ------
    UserError
        If the syntax, the module or the attribute is wrong. If the module itself raises an error,
        its message is included.
    """
    module_name, separator, attribute = reference.partition(":")
    if not (separator and module_name and attribute):
        here = lying_here(reference.strip(":"), f"{key}=", "module:name")
        raise UserError(
            f"{key}={reference!r}: write it as module:name, e.g. my_package.mine:Mine{here}"
        )
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # The module that is missing may be one that this module imports.
        wanted = (isinstance(error, ImportError) and error.name) or module_name
        raise UserError(
            f"{key}={reference!r}: module {module_name!r} cannot be imported "
            f"({type(error).__name__}: {error}); {explain_clash(wanted)}"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        public = ", ".join(name for name in dir(module) if not name.startswith("_")) or "nothing"
        raise UserError(
            f"{key}={reference!r}: {module_name!r} ({getattr(module, '__file__', 'no file')}) has "
            f"no {attribute!r}; {hiding(module_name) or f'it has {public[:300]}'}"
        ) from error


def parse_arguments(
    text: str, key: str, example: str = "one=0.5,other='text'", function: str = ""
) -> dict[str, Any]:
    """Parse keyword arguments with literal values: ``a=1,b=0.5,c='text'``.

    Parameters
    ----------
    text, key : str
    example : str
        Arguments that the key takes, for the message.
    function : str
        What has the arguments in parentheses, for the message; empty: the key itself.

    Raises
    ------
    UserError
        If the text has another form.
    """
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise SyntaxError
        pairs = [(str(one.arg), ast.literal_eval(one.value)) for one in call.keywords if one.arg]
    except (SyntaxError, ValueError) as error:
        told, wanted = text, _quoted(text) or example
        if function:
            told, wanted = f"{function}({text})", f"{function}({wanted})"
        raise UserError(
            f"{key}={told!r}: write name=value, separated by commas, with text in quotes, e.g. "
            f'{key}="{wanted}"'
        ) from error
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        told = f"{function}({text})" if function else text
        raise UserError(f"{key}={told!r}: gives {twice} more than once; give it once")
    return found


def _quoted(text: str) -> str:
    """Return arguments with quotes around their words, if that is all they lack; else nothing."""
    words = r"(=\s*)(?!(?:True|False|None)\b)([A-Za-z][\w./-]*)(?=\s*(?:,|$))"
    quoted = re.sub(words, r"\1'\2'", text)
    try:
        return quoted if quoted != text and parse_arguments(quoted, "") else ""
    except UserError:
        return ""


def split_names(text: str) -> tuple[str, ...]:
    """Split ``one,other(a=1,b=2)`` into names without duplicates; an empty text gives none."""
    parts = re.split(r",(?![^()]*\))", text)
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def split_call(text: str, key: str) -> tuple[str, dict[str, Any]]:
    """Split ``name`` or ``name(a=1,b=2)`` into the name and its arguments.

    Raises
    ------
    UserError
        If the parentheses hold anything but keyword arguments with literal values.
    """
    head, opened, rest = text.partition("(")
    if not opened:
        return text, {}
    if not rest.endswith(")"):
        raise UserError(f"{key}={text!r}: write name(argument=value,...)")
    return head.strip(), parse_arguments(rest[:-1], key, function=head.strip())


def _namesake(module: Any, stem: str) -> Any:
    """Return the public object that has the module's name, ignoring case and underscores."""
    for name in vars(module):
        if not name.startswith("_") and _plain(name) == _plain(stem):
            return getattr(module, name)
    raise ImportError(
        f"{Path(str(module.__file__)).name} holds nothing called {stem}: a file of a catalogue "
        "must hold an object of its own name"
    )


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()
