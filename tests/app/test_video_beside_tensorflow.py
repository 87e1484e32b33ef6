"""Live video's encryption and TensorFlow each bring a crypto library: which is first matters."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_server_loads_both() -> None:
    """In the order in which `serve` does: loaded the other way round the process ends (139)."""
    program = "import app.shared_service, tensorflow, streamlit_webrtc; print('both')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "both\n")
