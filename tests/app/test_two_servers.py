"""Two real servers on one gallery in a real PostgreSQL."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.two_servers import measure, report, rollcall, settings_in
from enrollment.errors import BadInput, FingerprintMismatch
from enrollment.opening import create, database_url, is_gallery, join
from store.errors import GalleryExists, GalleryMissing, KeyMissing
from tests import databases
from tests.app.browser import free_port
from tests.models.tiny_onnx import matrix, tiny_model, write_toml

pytestmark = pytest.mark.slow


def test_what_one_does_the_other_knows_at_once(tmp_path: Path) -> None:
    times = measure(tmp_path, 3)
    sys.stdout.write(report(times))
    assert times.at_once == 6, "each change is known at the very first question"


def test_joining_needs_the_same_gallery_key_and_models(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(tiny_model(["n", 3, 20, 16], matrix()))
    spec = f"onnx:{write_toml(tmp_path)}"
    with databases.server() as server:
        url, first, second = server.url("faces"), *(settings_in(tmp_path / n) for n in "ab")
        with pytest.raises(GalleryMissing):
            join(second, url)
        create(first, spec, url)
        with pytest.raises(GalleryExists):
            create(second, spec, url)
        for wrong in (None, server.url("faces_{gallery}")):
            with pytest.raises(BadInput, match="in full"):
                join(second, wrong)
        with pytest.raises(KeyMissing):
            join(replace(second, key="00" * 32), url)
        assert join(second, url).gallery_id == join(settings_in(tmp_path / "c"), url).gallery_id
        assert database_url(second.home) == url
        with pytest.raises(BadInput, match="already"):
            join(second, url)
        # The same machine, so the same path; what lies there is another network.
        write_toml(tmp_path, scale="0.25")
        with pytest.raises(FingerprintMismatch):
            join(settings_in(tmp_path / "d"), url)
        assert not is_gallery(tmp_path / "d" / "gallery")
        refused = rollcall(second, "serve", "--no-pages", "--port", str(free_port()))
        assert refused.wait(120) == 3
        said = (tmp_path / "b" / "said.log").read_text()
        assert "searching would give wrong names" in said
        assert "Traceback" not in said
