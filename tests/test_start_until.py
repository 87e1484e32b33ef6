"""The gate's own brake: it must stop slow tests, and no others."""

import time

import pytest

from tests.conftest import STARTED, pytest_runtest_setup


def test_slow_tests_do_not_start_too_late(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    elapsed = time.monotonic() - request.config.stash[STARTED]
    monkeypatch.setattr(request.config.option, "start_until", elapsed / 2)
    pytest_runtest_setup(request.node)  # a fast test, which is never skipped
    request.node.add_marker(pytest.mark.slow)
    with pytest.raises(pytest.skip.Exception, match="--start-until"):
        pytest_runtest_setup(request.node)
    monkeypatch.setattr(request.config.option, "start_until", elapsed + 3600)
    pytest_runtest_setup(request.node)
