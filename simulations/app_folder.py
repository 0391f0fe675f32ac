"""The Flower app that ``flwr run`` gets: a copy of our packages, made for the run."""

import functools
import shutil
import tomllib
from importlib import resources
from pathlib import Path

from fog_flower.architecture import Scalar
from fog_flower.code_identity import PACKAGES

BESIDE = ("pyproject.toml", "LICENSE")  # what Flower wants beside the packages


def default_run_config() -> dict[str, Scalar]:
    """Return ``[tool.flwr.app.config]``, the one place of all defaults."""
    return dict(_defaults())


@functools.cache
def _defaults() -> dict[str, Scalar]:
    with (_home() / "pyproject.toml").open("rb") as file:
        defaults: dict[str, Scalar] = tomllib.load(file)["tool"]["flwr"]["app"]["config"]
    return defaults


def app_folder(workspace: Path) -> Path:
    """Copy the app into ``workspace`` and return its folder, to give to ``flwr run``.

    A copy, because Flower looks at every file below the folder it is given, and a checkout has a
    virtual environment with 100,000 of them (5 s); and because an installed wheel has no checkout.
    """
    staged = workspace / "app"
    for package in PACKAGES:
        source = Path(str(resources.files(package)))
        shutil.copytree(source, staged / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(_home() / name, staged / name)
    return staged


def _home() -> Path:
    """Return the folder of ``pyproject.toml``: the checkout, or what a wheel has instead."""
    here = Path(__file__).resolve().parent
    in_wheel = here / "app"
    return in_wheel if in_wheel.is_dir() else here.parent
