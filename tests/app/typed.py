"""What people type, on a gallery with tiny models, and what they are told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app import cli
from enrollment import pipelines
from enrollment.capture import Capture
from enrollment.service import Service
from tests.conftest import KEY

Run = Callable[..., tuple[int, str, str]]


def runner(
    service: Service,
    capture: Capture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command in this process: exit code, stdout, stderr."""
    monkeypatch.setenv("ROLLCALL_HOME", str(service._settings.home))
    monkeypatch.setenv("ROLLCALL_KEY", KEY)
    monkeypatch.setattr(pipelines, "open_capture", lambda *_: capture)

    def run(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        if ended.value.code in (2, 3):
            assert len(err.strip().splitlines()) == 1
        return int(ended.value.code or 0), out, err

    return run


def ask(rollcall: Run, *words: str | Path, code: int = 0) -> dict:
    found, out, err = rollcall(*words, "--json")
    assert found == code, err
    return json.loads(out)
