"""rollcall compress on the stand-in network, as an operator would run it."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.stand_in import stand_in_weights
from models.backbone import open_backbone
from models.compressed_file import WEIGHTS
from models.errors import WeightsDamaged
from models.fingerprint import backbone_fingerprint, golden_embeddings
from models.vgg_face import DATA_BYTES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    if shutil.disk_usage(folder).free < 2 << 30:
        pytest.skip("less than 2 GB free for the stand-in weights")
    yield stand_in_weights(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made(weights, tmp_path_factory):
    """(the report, the folder), of a command in a process of its own."""
    folder = tmp_path_factory.mktemp("small") / "int8"
    command = [sys.executable, "-m", "app.cli", "compress", str(folder)]
    found = subprocess.run(
        [*command, "--method", "int8", "--json"],
        env={"ROLLCALL_WEIGHTS": str(weights), "PATH": "", "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    yield json.loads(found.stdout), folder
    shutil.rmtree(folder)


def test_it_is_smaller_and_nearly_the_same(made):
    report, folder = made
    assert (folder / WEIGHTS).stat().st_size < 0.35 * DATA_BYTES
    assert report["compressed"]["file_bytes"] == (folder / WEIGHTS).stat().st_size
    assert report["compressed"]["resident_bytes"] < report["parent"]["resident_bytes"]
    assert report["cosine"]["lowest"] > 0.999
    assert report["untrained_weights"]
    assert json.loads((folder / "report.json").read_text()) == report
    assert "vgg-face-int8" in (folder / "report.html").read_text()
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".int8")] == []


def test_it_opens_as_a_backbone_of_its_own(made, tmp_path):
    report, _ = made
    backbone = open_backbone(report["backbone"], tmp_path)
    rows = golden_embeddings(backbone)
    assert rows.shape == (8, 4096)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(golden_embeddings(backbone), rows)
    assert backbone_fingerprint(backbone) == report["compressed"]["fingerprint"]
    assert report["compressed"]["fingerprint"] != report["parent"]["fingerprint"]


def test_one_bit_is_noticed(made, tmp_path):
    _, folder = made
    shutil.copytree(folder, tmp_path / "copy")
    with (tmp_path / "copy" / WEIGHTS).open("r+b") as file:
        file.seek(100_000_000)
        byte = file.read(1)[0]
        file.seek(100_000_000)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(WeightsDamaged, match="sha256"):
        open_backbone(f"compressed:{tmp_path / 'copy' / 'backbone.toml'}", tmp_path)
    shutil.rmtree(tmp_path / "copy")
