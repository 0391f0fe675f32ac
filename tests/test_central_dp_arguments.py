"""The arguments of central-dp: what is out of range or no number is refused before the run."""

import math

import pytest

from fog_flower.errors import UserError
from strategies.build import inner_strategy
from strategies.rules.central_dp import CentralDP

EPSILON = "1 to 8 is usual"
CLIP = "the length of a usual dW, e.g. 1"
NOISE = "leave it out, and give epsilon=..."
REFUSED = [
    ("epsilon=0", "epsilon=0 must be positive and finite", EPSILON),
    ("epsilon=-2.5", "epsilon=-2.5 must be positive and finite", EPSILON),
    ("epsilon=1e999", "epsilon=inf must be positive and finite", EPSILON),
    (f"epsilon={10**400}", "must be positive and finite", EPSILON),
    ("epsilon=True", "epsilon=True must be a number", EPSILON),
    ("epsilon='3'", "epsilon='3' must be a number", EPSILON),
    ("epsilon=None", "epsilon=None must be a number", EPSILON),
    ("epsilon=2000", "epsilon=2000 promises nothing", "use at most 100"),
    ("epsilon=1e-7,delta=1e-12", "epsilon=1e-07: no noise is enough", "use a larger epsilon"),
    ("delta=0", "delta=0 must be between 0 and 1", "1e-5 is usual"),
    ("delta=-1e-5", "delta=-1e-05 must be between 0 and 1", "1e-5 is usual"),
    ("delta=1.0", "delta=1.0 must be between 0 and 1", "1e-5 is usual"),
    ("delta=1e999", "delta=inf must be between 0 and 1", "1e-5 is usual"),
    ("delta=True", "delta=True must be a number", "1e-5 is usual"),
    ("delta='1e-5'", "delta='1e-5' must be a number", "1e-5 is usual"),
    ("clip=0", "clip=0 must be positive", CLIP),
    ("clip=-1", "clip=-1 must be positive", CLIP),
    ("clip=1e999", "clip=inf bounds nothing", "give a bound, or noise=0"),
    ("clip=True", "clip=True must be a number", CLIP),
    ("clip='1'", "clip='1' must be a number", CLIP),
    ("noise='1'", "noise='1' must be a number", NOISE),
    ("noise=True", "noise=True must be a number", NOISE),
    ("noise=1e999", "noise=inf must be finite", NOISE),
    ("epsilon=3,noise=1", "epsilon=3 and noise=1 say the same in two ways", "give one of them"),
    ("gated='no'", "gated='no' must be True or False", "True or False"),
    ("gated=1", "gated=1 must be True or False", "True or False"),
]


@pytest.mark.parametrize(("given", "words", "remedy"), REFUSED)
def test_arguments_that_make_no_sense_are_refused_before_the_run(make_config, given, words, remedy):
    with pytest.raises(UserError) as refused:
        inner_strategy(make_config(strategy="central-dp", gate="off", strategy_args=given))
    told = str(refused.value)
    assert told.replace("'", "").startswith("strategy=central-dp: ")
    assert words in told
    assert remedy in told


@pytest.mark.parametrize("name", ["epsilon", "delta", "clip", "noise"])
def test_nan_is_refused_which_no_configuration_can_hold(name):
    with pytest.raises(UserError, match=f"strategy=central-dp: {name}=nan must be a number"):
        CentralDP(**{name: math.nan})


def test_a_negative_noise_asks_for_that_of_epsilon():
    assert CentralDP(noise=-3.0).noise == CentralDP().noise > 0.0
