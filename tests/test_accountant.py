"""What accounts for Gaussian noise, ``dp-accounting``: missed before the run, in one line."""

import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest

from fog_flower.errors import UserError
from fog_flower.extras import require_version
from fog_flower.privacy.accounting import ACCOUNTANT, subsampled_epsilon, subsampled_noise
from simulations.preflight import check_plug_ins

ROOT = Path(__file__).resolve().parent.parent
NEEDING = [
    ({"fog_protection": "dp-sgd"}, "fog-protection=dp-sgd"),
    ({"fog_protection": "dp-sgd(noise=1)"}, "fog-protection=dp-sgd"),
    ({"strategy": "central-dp", "gate": "off"}, "strategy=central-dp"),
    ({"strategy": "central-dp", "gate": "off", "strategy_args": "noise=1"}, "strategy=central-dp"),
]
NOT_NEEDING = [
    {"fog_protection": "dp-sgd(noise=0)"},
    {"strategy": "central-dp", "gate": "off", "strategy_args": "noise=0"},
    {"protection": "gaussian,randomised-response"},
]


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)


@pytest.fixture
def installed(monkeypatch):
    """Return a function that sets the version that seems to be installed."""
    version = importlib.metadata.version

    def seems(other):
        monkeypatch.setattr(
            importlib.metadata,
            "version",
            lambda name: other if name == "dp-accounting" else version(name),
        )

    return seems


def test_the_requirement_is_that_of_the_package():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert ACCOUNTANT in needed


@pytest.mark.parametrize(("settings", "key"), NEEDING)
def test_it_is_missed_before_the_run(make_config, missing, settings, key):
    with pytest.raises(UserError) as refused:
        check_plug_ins(make_config(**settings))
    assert str(refused.value) == (
        f"{key}: needs dp-accounting, which is not installed here: pip install '{ACCOUNTANT}'"
    )


@pytest.mark.parametrize(("settings", "key"), NEEDING)
def test_one_that_is_too_old_is_refused_before_the_run(make_config, installed, settings, key):
    installed("0.0.2")
    with pytest.raises(UserError) as refused:
        check_plug_ins(make_config(**settings))
    assert str(refused.value) == (
        f"{key}: needs {ACCOUNTANT}, but 0.0.2 is installed here: pip install '{ACCOUNTANT}'"
    )


@pytest.mark.parametrize("settings", NOT_NEEDING)
def test_what_does_not_need_it_does_without(make_config, missing, settings):
    check_plug_ins(make_config(**settings))


def test_audits_and_reports_are_told_too(missing):
    with pytest.raises(UserError, match=r"epsilon of DP-SGD: needs dp-accounting.*pip install"):
        subsampled_epsilon(1.25, 0.5, 3, 1e-5)
    with pytest.raises(UserError, match=r"epsilon of DP-SGD: needs dp-accounting.*pip install"):
        subsampled_noise(1.25, 0.5, 3, 1e-5)


@pytest.mark.parametrize(
    ("version", "right"),
    [
        ("0.6", True),
        ("0.6.0", True),
        ("0.6.1rc1", True),
        ("0.10", False),
        ("1", False),
        ("0.5.9", False),
        ("0", False),
    ],
)
def test_versions_are_compared_as_numbers(installed, version, right):
    installed(version)
    if right:
        require_version("here", ACCOUNTANT)
    else:
        with pytest.raises(UserError, match=f"needs {ACCOUNTANT}, but {version} is installed"):
            require_version("here", ACCOUNTANT)


def test_a_module_without_a_version_passes(monkeypatch):
    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", unknown)
    require_version("here", ACCOUNTANT)
