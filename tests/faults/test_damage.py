"""Files that rotted: nobody is called another and nothing falls over. A sample of
`benchmarks/damage.py`."""

import shutil
from pathlib import Path

import pytest

from tests.faults.damage import ARTEFACTS, BAD, Damage, bound, run, without_step

pytestmark = pytest.mark.sqlite


@pytest.mark.slow
@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_nobody_is_called_another_from_what_rotted(artefact: str, tmp_path: Path) -> None:
    memory = Path("/dev/shm")  # noqa: S108
    folder = memory / tmp_path.name if memory.is_dir() else tmp_path
    try:
        counted = run(folder, artefact, bits=12, others=6, seed=0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert counted.n >= 12
    assert not counted.bad, counted.bad
    assert not any(counted.outcomes[what] for what in BAD)
    assert not without_step(counted)
    if artefact not in ("database", "audit rows"):  # which have room that nobody reads
        assert counted.outcomes["detected"] + counted.outcomes["ignored"] > 0


def test_what_is_damaged_is_another_file() -> None:
    content = bytes(range(256)) * 40
    flipped = Damage("x", "bit", 77).done_to(content)
    assert sum((a ^ b).bit_count() for a, b in zip(content, flipped, strict=True)) == 1
    zeroed = Damage("x", "page", 4096).done_to(content)
    assert (zeroed[:4096], set(zeroed[4096:8192])) == (content[:4096], {0})
    assert zeroed[8192:] == content[8192:]
    assert Damage("x", "cut", 10).done_to(content) == content[:10]


@pytest.mark.parametrize(
    ("failures", "n", "percent"),
    [(0, 10_000, 0.03), (0, 500, 0.6), (0, 3072, 0.098), (1, 100, 4.7)],
)
def test_the_bound_is_the_rule_of_three(failures: int, n: int, percent: float) -> None:
    assert 100 * bound(failures, n) == pytest.approx(percent, rel=0.02)
