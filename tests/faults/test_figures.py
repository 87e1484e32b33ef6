"""The figures of the fault harness, each by its own command, of a sample."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

pytestmark = pytest.mark.slow


def figure(*command: str) -> str:
    """What a command of `benchmarks` prints; a process of its own, because it forks."""
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=900
    )
    if done.stderr.startswith("skipped: "):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (["benchmarks.syscall_faults", "--every", "61"], "injections, 0 with anything wrong"),
        (["benchmarks.power_loss", "--states", "600"], "600 states, 0 with anything wrong"),
        (["benchmarks.kill_writers", "--kills", "40"], "40 kills under four writers"),
        (["benchmarks.kill_writers", "--at-once", "32", "--each", "2"], "64 people, 0 lost"),
        (["benchmarks.simulated_nights", "--days", "30"], "0 days with none or two"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_nothing_is_lost_and_nothing_half_there(command: Sequence[str], printed: str) -> None:
    assert printed in figure(*command)


def test_without_fsync_losses_are_found() -> None:
    """The control: else the states could be opened without anybody looking."""
    told = figure("benchmarks.power_loss", "--states", "120", "--only", "enroll", "--control")
    assert "lost: {" in told
