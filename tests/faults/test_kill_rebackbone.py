from pathlib import Path

import pytest

from tests.faults.killed_moves import killed_moves


@pytest.mark.slow
def test_killed_moves_lose_nobody(tmp_path: Path) -> None:
    tally = killed_moves(tmp_path / "gallery", kills=6)
    assert tally.moves == 6
    assert tally.killed > 0, "no kill came while a move ran"
    assert tally.right > 0
