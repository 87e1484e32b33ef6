import hashlib

import pytest

from models.errors import ModelError, WeightsDamaged
from models.weights import find_file, sha256_of, verify_record, weights_file


def test_a_file_is_looked_for_at_home_first(tmp_path):
    home, other, third = (tmp_path / name for name in ("home", "other", "third"))
    assert find_file("w", home, [other, third]) is None
    third.mkdir()
    (third / "w").write_bytes(b"3")
    assert find_file("w", home, [other, third]) == third / "w"
    home.mkdir()
    (home / "w").write_bytes(b"1")
    assert find_file("w", home, [other, third]) == home / "w"
    (home / "folder").mkdir()
    assert find_file("folder", home) is None


def test_a_record_that_cannot_be_written_is_one_line(tmp_path):
    path, home = tmp_path / "w.h5", tmp_path / "a-file"
    path.write_bytes(b"weights")
    home.write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be written"):
        verify_record(path, home)


def test_a_digest_is_recorded_at_first_use_and_compared_later(tmp_path):
    path, home = tmp_path / "w.h5", tmp_path / "home"
    path.write_bytes(b"weights")
    file = verify_record(path, home)
    assert file == weights_file(path)
    assert file.sha256 == hashlib.sha256(b"weights").hexdigest() == sha256_of(path)
    assert (home / "w.h5.sha256").read_text() == f"{file.sha256}  w.h5\n"
    assert verify_record(path, home) == file
    path.write_bytes(b"Weights")
    with pytest.raises(WeightsDamaged, match="not the file that was first used"):
        verify_record(path, home)
    (home / "w.h5.sha256").write_text("")
    with pytest.raises(WeightsDamaged):
        verify_record(path, home)
    (home / "w.h5.sha256").write_bytes(b"\xff rotten")
    with pytest.raises(WeightsDamaged):
        verify_record(path, home)
