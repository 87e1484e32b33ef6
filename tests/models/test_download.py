import os
import socket

import pytest

from models.download import CHUNK, download
from models.errors import WeightsDamaged, WeightsMissing
from tests.models.web import serve

CONTENT = os.urandom(3 * CHUNK + 12345)


def same(path):
    if path.read_bytes() != CONTENT:
        raise WeightsDamaged("other bytes")


@pytest.fixture
def site():
    with serve(CONTENT) as site:
        yield site


@pytest.fixture
def target(tmp_path):
    return tmp_path / "home" / "weights.h5"


def only(target):
    return sorted(path.name for path in target.parent.iterdir()) == [target.name]


def test_a_file_comes_with_progress_and_leaves_nothing_else(site, target):
    steps = []
    assert download([site.url], target, same, lambda *step: steps.append(step)) == target
    assert target.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert only(target)


def test_a_break_is_resumed_at_once(site, target):
    site.break_after = [2 * CHUNK]
    download([site.url], target, same)
    assert site.ranges == [None, f"bytes={2 * CHUNK}-"]
    assert only(target)


def test_a_later_run_resumes(site, target):
    site.break_after = [CHUNK, 0, 0, 0]
    with pytest.raises(WeightsMissing, match="goes on from there") as error:
        download([site.url], target, same)
    assert "\n" not in str(error.value)
    assert not target.exists()
    kept = target.with_name("weights.h5.part").stat().st_size
    assert kept == CHUNK
    site.break_after, site.ranges = [], []
    steps = []
    download([site.url], target, same, lambda *step: steps.append(step))
    assert site.ranges == [f"bytes={kept}-"]
    assert steps[0][0] > kept
    assert only(target)


def test_a_file_that_changed_meanwhile_starts_again(site, target):
    site.break_after = [CHUNK, 0]
    with pytest.raises(WeightsMissing):
        download([site.url], target, same)
    part = target.with_name("weights.h5.part")
    part.write_bytes(b"x" * CHUNK)  # of the former file
    site.etag, site.break_after = '"two"', []
    download([site.url], target, same)
    assert target.read_bytes() == CONTENT


def test_without_an_etag_nothing_is_resumed(target):
    with serve(CONTENT, etag="") as site:
        site.break_after = [CHUNK]
        download([site.url], target, same)
        assert site.ranges == [None, None]
    assert target.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_starts_again(site, target):
    site.break_after = [CHUNK, 0]
    with pytest.raises(WeightsMissing):
        download([site.url], target, same)
    with target.with_name("weights.h5.part").open("ab") as part:
        part.write(b"x" * len(CONTENT))
    site.break_after = []
    download([site.url], target, same)
    assert target.read_bytes() == CONTENT


def test_the_next_address_is_tried(site, target):
    with serve(b"<html>please log in</html>") as portal, serve(b"") as gone:
        gone.status = 404
        download([gone.url, portal.url, site.url], target, same)
    assert target.read_bytes() == CONTENT
    assert only(target)


def test_another_file_is_refused_and_not_kept(target):
    with (
        serve(b"<html>please log in</html>") as portal,
        pytest.raises(WeightsDamaged, match="gave another file") as error,
    ):
        download([portal.url], target, same)
    assert "\n" not in str(error.value)
    assert list(target.parent.iterdir()) == []


def test_offline_is_one_line(target):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/w"
        with pytest.raises(WeightsMissing, match="cannot be reached") as error:
            download([url], target, same)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/w", "weights"])
def test_only_the_web_is_asked(target, url):
    with pytest.raises(WeightsMissing, match="not a web address"):
        download([url], target, same)


def test_no_address_at_all(target):
    with pytest.raises(WeightsMissing, match="no address"):
        download([], target, same)


def test_one_download_at_a_time(site, target):
    refused = []

    def try_another(done, total):
        if not refused:
            with pytest.raises(WeightsMissing, match="another process"):
                download([site.url], target, same)
            refused.append(done)

    download([site.url], target, same, try_another)
    assert refused
    assert target.read_bytes() == CONTENT
