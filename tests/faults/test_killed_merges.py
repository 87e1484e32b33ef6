from pathlib import Path

import pytest

from tests.faults.killed_merges import killed_merges


@pytest.mark.slow
def test_killed_merges_go_on_where_they_were(tmp_path: Path) -> None:
    tally = killed_merges(tmp_path, kills=50)
    assert tally.kills == 50
    assert tally.begun > 10, "few were killed after somebody had come"
    assert tally.begun > tally.merged, "none was killed between two people"
