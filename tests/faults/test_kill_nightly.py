from pathlib import Path

import pytest

from tests.faults.killed_nights import killed_nights

pytestmark = pytest.mark.sqlite


@pytest.mark.slow
def test_killed_nights_leave_nothing_or_all(tmp_path: Path) -> None:
    tally = killed_nights(tmp_path / "gallery", kills=8, mode="imprint")
    assert tally.nights == 8
    assert tally.killed > 0, "no kill came while a night ran"
