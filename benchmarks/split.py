"""The evaluation set, split as the figures are quoted: links, nothing is copied."""

from pathlib import Path

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
LFW = SHARED / "faces" / "lfw"
STRANGERS = LFW / "unknown"
GROUPS = SHARED / "faces" / "groups"
RETAIL = """\
name = "retail-0095"
file = "face-reidentification-retail-0095.onnx"
input = [128, 128]
layout = "nchw"
colour = "bgr"
scale = 1.0
mean = [0.0, 0.0, 0.0]
landmarks = [[0.31556875, 0.46157411], [0.68262292, 0.46157411], [0.50026249, 0.64050536], \
[0.34947187, 0.8246919], [0.65343645, 0.8246919]]
licence = "Apache-2.0"
"""


def split(folder: Path, enrolled: int = 3, people: int | None = None) -> tuple[Path, Path]:
    """Folders of links: the first photos of each person, and the others.

    Args:
        enrolled: how many photos of each person are for the gallery.
        people: how many people; None takes all.
    """
    gallery, mated = folder / "gallery", folder / "mated"
    for person in sorted((LFW / "known").iterdir())[:people]:
        for i, photo in enumerate(sorted(person.iterdir())):
            link = (gallery if i < enrolled else mated) / person.name / photo.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(photo)
    return gallery, mated


def cohort_strangers() -> list[Path]:
    """Every other stranger: those that cohorts, the shipped one too, are made from."""
    return sorted(STRANGERS.iterdir())[::2]


def test_strangers() -> list[Path]:
    """The strangers that figures are measured on; no cohort has seen them."""
    return sorted(STRANGERS.iterdir())[1::2]


def linked(photos: list[Path], folder: Path) -> Path:
    """A folder of links to these photos."""
    folder.mkdir(parents=True)
    for photo in photos:
        (folder / photo.name).symlink_to(photo)
    return folder


def retail_backbone(folder: Path) -> str:
    """The ONNX recogniser as `--backbone` takes it."""
    name = "face-reidentification-retail-0095.onnx"
    (folder / name).symlink_to(SHARED / "weights" / name)
    (folder / "retail.toml").write_text(RETAIL, "utf-8")
    return f"onnx:{folder / 'retail.toml'}"


def yunet() -> str:
    """The YuNet detector as ROLLCALL_DETECTOR takes it."""
    return f"yunet:{SHARED / 'weights' / 'face_detection_yunet_2023mar.onnx'}"
