from dataclasses import replace

import pytest

from enrollment.errors import BadInput
from enrollment.planning import NightPolicy, Work, checked_mode, estimate, plan

WORK = Work(
    templates=1500, subjects=500, changed=10, dimension=128, erased_since=False, throughput=4e9
)
BIG = replace(WORK, templates=300_000, subjects=100_000, dimension=4096)


@pytest.mark.parametrize(
    ("work", "policy", "full", "mode", "why"),
    [
        (WORK, NightPolicy(), False, "joint", "affordable"),
        (BIG, NightPolicy(), False, "local", "newcomers and their neighbours"),
        (replace(BIG, changed=50_000), NightPolicy(), False, "imprint", "any training"),
        (BIG, NightPolicy(), True, "joint", "full training was asked"),
        (replace(BIG, erased_since=True), NightPolicy(), False, "joint", "was erased"),
        (WORK, NightPolicy(keep="exemplars"), False, "rehearsal", "5 exemplars"),
        (WORK, NightPolicy(keep="statistics"), False, "pseudo", "statistics alone"),
        (WORK, NightPolicy(mode="local"), True, "local", "asked for"),
        (replace(WORK, subjects=1), NightPolicy(), True, "imprint", "nobody to tell apart"),
    ],
)
def test_the_planner_says_why(
    work: Work, policy: NightPolicy, full: bool, mode: str, why: str
) -> None:
    chosen = plan(work, policy, full)
    assert chosen.learner.name == mode
    assert why in chosen.sentence
    assert chosen.estimated_seconds >= 0


def test_a_measured_machine_is_believed() -> None:
    slow = estimate(replace(WORK, throughput=1e6), "joint", NightPolicy())
    assert slow == pytest.approx(4000 * estimate(WORK, "joint", NightPolicy()))


def test_modes_are_checked() -> None:
    assert checked_mode(None) is None
    assert checked_mode("local") == "local"
    with pytest.raises(BadInput, match="joint, local"):
        checked_mode("magic")
