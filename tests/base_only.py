"""Runs code as if fog-flower were installed without extras: ``base_only.py CODE [ARGUMENT]...``.

Imports of all other installed packages fail, as on a SuperNode. ``FOG_FLOWER_TEST_BLOCKED`` may
name more top-level modules to block, separated by commas.
"""

import importlib.metadata
import os
import re
import sys
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
BLOCKED_VARIABLE = "FOG_FLOWER_TEST_BLOCKED"


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(*extras):
    """Return the requirements in ``pyproject.toml``, with the given extras, as strings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        *project["dependencies"],
        *(one for extra in extras for one in project["optional-dependencies"][extra]),
    ]


def closure(required):
    """Return the names of all distributions that requirements install, directly or indirectly."""
    found, waiting = {}, [Requirement(text) for text in required]
    while waiting:
        requirement = waiting.pop()
        name, extras = plain(requirement.name), requirement.extras or {""}
        if not (new := set(extras) | {""}) - found.get(name, set()):
            continue
        found[name] = found.get(name, set()) | new
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        waiting += [
            one
            for one in map(Requirement, needed)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in new)
        ]
    return set(found)


def modules_of(distributions):
    """Return the top-level modules of these distributions."""
    return {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if distributions & {plain(owner) for owner in owners}
    }


class Blocker(PathFinder):
    """A finder of installed modules that hides the blocked top-level modules."""

    blocked: frozenset[str] = frozenset()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        blocked = name.partition(".")[0] in cls.blocked
        return None if blocked else super().find_spec(name, path, target)


def block(modules):
    Blocker.blocked = frozenset(modules)
    sys.meta_path = [Blocker if one is PathFinder else one for one in sys.meta_path]


if __name__ == "__main__":
    more = set(filter(None, os.environ.get(BLOCKED_VARIABLE, "").split(",")))
    installed = set(importlib.metadata.packages_distributions())
    block((installed - modules_of(closure(requirements()))) | more)
    code, sys.argv = sys.argv[1], ["fog-flower", *sys.argv[2:]]
    sys.path[0] = str(ROOT)
    exec(code, {"__name__": "__main__"})
