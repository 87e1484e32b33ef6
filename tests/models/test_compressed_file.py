"""The description of a compressed backbone, and the folder it lies in. No network is loaded."""

import pytest

from models.backbone import open_backbone, resolve_backbone
from models.compressed_file import Compressed, description, read_description
from models.errors import BadModelFile, ModelError, WeightsDamaged, WeightsMissing

SAYS = Compressed("weights.npz", "a" * 64, "merge", 0.5, ("dense", "dense"), "vgg-face", "b" * 64)


def written(folder, text=None):
    path = folder / "backbone.toml"
    path.write_bytes(description(SAYS, (0.9, 0.8), "a note") if text is None else text.encode())
    return path


def test_it_is_read_as_it_was_written(tmp_path):
    assert read_description(written(tmp_path)) == SAYS
    assert SAYS.name == "vgg-face-merge-0.5"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"merge"', '"other"'),
        ("keep = 0.5", "keep = 1.5"),
        ("keep = 0.5", "keep = nan"),
        ("keep = 0.5", 'keep = "0.5"'),
        ('["dense", "dense"]', '["dense"]'),
        ('["dense", "dense"]', '["dense", 3]'),
        ('"weights.npz"', '"../weights.npz"'),
        ('"weights.npz"', '"/etc/passwd"'),
        ('"vgg-face"', '"other"'),
        ("file = ", "other = "),
        ("method = ", "method ="[:3] + " = = "),
    ],
)
def test_a_wrong_description_is_refused_in_one_line(tmp_path, old, new):
    text = description(SAYS).decode().replace(old, new, 1)
    with pytest.raises(BadModelFile) as error:
        read_description(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(BadModelFile, match="not there"):
        open_backbone(f"compressed:{tmp_path / 'none.toml'}", tmp_path)
    with pytest.raises(WeightsMissing, match=r"weights\.npz is missing"):
        open_backbone(f"compressed:{written(tmp_path)}", tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"something else")
    with pytest.raises(WeightsDamaged, match="another than its description says"):
        open_backbone(f"compressed:{written(tmp_path)}", tmp_path)


def test_the_spec_names_a_file(tmp_path):
    assert resolve_backbone("compressed:x.toml", tmp_path)[0] == "compressed:x.toml"
    with pytest.raises(ModelError, match="unknown backbone"):
        resolve_backbone("compressed:", tmp_path)
