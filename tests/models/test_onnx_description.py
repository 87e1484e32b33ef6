import pytest

from models.errors import BadModelFile
from models.onnx_description import KEYS, read_description
from tests.models.tiny_onnx import write_toml


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.onnx").write_bytes(b"any")
    return tmp_path


def refusal(path):
    with pytest.raises(BadModelFile) as error:
        read_description(path)
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def test_a_right_one_is_read(folder):
    says = read_description(write_toml(folder))
    assert says.name == "tiny"
    assert says.file == (folder / "tiny.onnx").resolve()
    assert says.template.size == (16, 20)
    assert says.template.landmarks[2] == (0.5, 0.6)
    assert (says.layout, says.colour, says.scale) == ("nchw", "bgr", 0.5)
    assert says.mean == (1.0, 2.0, 3.0)
    assert says.priors is None


def test_priors_may_be_added(folder):
    path = write_toml(folder)
    path.write_text(
        path.read_text() + "[priors]\nsame_person = 0.2\nthreshold = 0.4\ncollision = 0.5\n"
    )
    assert read_description(path).priors == (0.2, 0.4, 0.5)


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(folder, key):
    assert f"{key} must be given" in refusal(write_toml(folder, **{key: None}))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("name", '""', "name must be a line of text"),
        ("name", "7", "name must be a line of text"),
        ("name", r'"two\nlines"', "name must be a line of text"),
        ("input", "[16]", "input must be 2 whole numbers"),
        ("input", "[16.0, 20.0]", "input must be 2 whole numbers"),
        ("input", "[true, true]", "input must be 2 whole numbers"),
        ("input", "[0, 20]", "input must be sides from"),
        ("input", "[100000, 20]", "input must be sides from"),
        ("layout", '"chw"', 'layout must be "nchw" or "nhwc"'),
        ("layout", "[]", 'layout must be "nchw" or "nhwc"'),
        ("colour", '"BGR"', 'colour must be "rgb" or "bgr"'),
        ("scale", '"1"', "scale must be a number"),
        ("scale", "0", "scale must be a number that is not 0"),
        ("scale", "nan", "scale must be a number"),
        ("scale", "true", "scale must be a number"),
        ("mean", "[0, 0]", "mean must be 3 numbers"),
        ("mean", "[0, 0, inf]", "mean must be a number"),
        ("mean", "0", "mean must be 3 numbers"),
        ("landmarks", "[[0.3, 0.4]]", "landmarks must be five"),
        ("landmarks", "[[1],[2],[3],[4],[5]]", "landmarks must be five"),
        ("landmarks", "[[38,51],[73,51],[56,71],[41,92],[70,92]]", "not pixels"),
        (
            "landmarks",
            "[[0.7,0.4],[0.3,0.4],[0.5,0.6],[0.35,0.8],[0.65,0.8]]",
            "the one at image left first",
        ),
        ("licence", "1", "licence must be a line of text"),
        ("metric", '"l2"', "every key must be one of"),
        ("priors", "3", "priors must be a table"),
        ("priors", "{same_person = 0.1}", "priors.threshold must be given"),
        ("priors", "{same_person = 0.1, other = 1}", "every key of priors"),
        ("priors", "{same_person = 2, threshold = 0, collision = 0}", "a cosine"),
        ("file", '"../other.onnx"', "that is there"),
        ("file", '"absent.onnx"', "that is there"),
        ("file", '"."', "that is there"),
    ],
)
def test_a_wrong_key_is_named_with_what_is_expected(folder, key, value, expected):
    assert expected in refusal(write_toml(folder, **{key: value}))


def test_the_file_is_found_from_the_toml(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "w.onnx"
    elsewhere.write_bytes(b"any")
    (folder / "link.onnx").symlink_to(elsewhere)
    assert read_description(write_toml(folder, file='"link.onnx"')).file == elsewhere
    assert read_description(write_toml(folder, file=f'"{elsewhere}"')).file == elsewhere


def test_what_is_no_toml_is_refused(folder):
    path = folder / "x.toml"
    assert "is not there" in refusal(path)
    path.write_bytes(b"\xff\xfe")
    assert "is not TOML" in refusal(path)
    path.write_text("name = ")
    assert "is not TOML" in refusal(path)
    assert "cannot be read" in refusal(folder)
