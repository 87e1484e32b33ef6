"""A real full disk, in a mount of this test's own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


def test_nothing_is_lost_and_it_is_said(tmp_path: Path) -> None:
    own = ["unshare", "-rm"]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], check=False).returncode:
        pytest.skip("no mount of one's own here (unshare): a full disk was not tried")
    done = subprocess.run(
        [*own, sys.executable, "-m", "tests.faults.full_disk", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["people"] > 3
    assert "the disk is full" in told["enroll"]
    for deed in ("backup", "erase"):
        assert "Traceback" not in told[deed]
        assert told[deed] == "done" or any(
            word in told[deed] for word in ("disk", "No space", "MB left", "erased")
        )
