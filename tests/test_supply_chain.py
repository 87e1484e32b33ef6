"""What is installed was looked at: exact versions, each file by its sha256, none too old."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUN = ROOT / "constraints.txt"
GROUPS: dict[str, list[str]] = PYPROJECT["dependency-groups"]
LOCKS = {"": RUN} | {group: ROOT / "locks" / f"{group}.txt" for group in GROUPS}
# Known attacks on what is older: reliability.md, 1.
LEAST = {
    "pillow": "13.0.0",  # CVE-2026-112403, CVE-2026-112398: heap overflows in its JPEG decoder
    "opencv-python": "4.12",  # CVE-2025-53644: a heap write in imdecode
    "opencv-contrib-python-headless": "4.12",
    "keras": "3.14.1",  # CVE-2026-12480: reads any file through HDF5
    "streamlit": "1.54.0",  # CVE-2026-33682
    "starlette": "1.3.1",  # CVE-2026-54283: limits of forms ignored
    "python-multipart": "0.0.27",  # CVE-2026-42561
    "faiss-cpu": "1.15",  # what fuzzing found in its reader
    "onnx": "1.21.0",  # CVE-2026-27489: paths that lead outside
}
ABSENT_IS_FINE = {"onnx"}  # a look into the file needs no package: models/onnx_file.py


def asked_for(group: str) -> Iterator[Requirement]:
    """What requirements.txt and pyproject.toml ask for, of one lock."""
    lines: list[str] = GROUPS.get(group, [])
    if not group:
        written = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
        lines = [line.split("#")[0].strip() for line in written]
        lines += PYPROJECT["project"]["optional-dependencies"]["postgres"]
    return (Requirement(line) for line in lines if line)


def entries(path: Path) -> dict[str, tuple[Requirement, list[str]]]:
    """By name: the pin, and the sha256 of each file that may be installed for it."""
    found = {}
    text = path.read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            pin, *hashes = re.split(r"\s+--hash=", line)
            requirement = Requirement(pin)
            found[canonicalize_name(requirement.name)] = requirement, hashes
    return found


def pinned(path: Path) -> dict[str, str]:
    return {
        name: next(iter(pin.specifier)).version for name, (pin, _hashes) in entries(path).items()
    }


@pytest.mark.parametrize("group", LOCKS)
def test_every_pin_is_exact_and_hashed(group: str) -> None:
    found = entries(LOCKS[group])
    assert found
    assert list(found) == sorted(found)
    for name, (pin, hashes) in found.items():
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), name
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), name


@pytest.mark.parametrize("group", LOCKS)
def test_the_lock_is_of_what_is_asked_for_now(group: str) -> None:
    found = pinned(LOCKS[group])
    for wanted in asked_for(group):
        name = canonicalize_name(wanted.name)
        assert name in found, f"{name}: run `make lock`"
        assert wanted.specifier.contains(found[name]), f"{name} {found[name]}: run `make lock`"


@pytest.mark.parametrize("group", ["", "test"])
def test_the_lock_is_transitive(group: str) -> None:
    """Of all that is installed here. (pip refuses what is neither; this says it sooner.)"""
    found = entries(LOCKS[group])
    looked_at = 0
    for name, (pin, _hashes) in found.items():
        if pin.marker is not None and not pin.marker.evaluate():
            continue
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in found, f"{name} needs {needed}"
                looked_at += 1
    assert looked_at > len(found) / 4


def test_one_version_of_each_in_all_locks() -> None:
    run = pinned(RUN)
    for path in LOCKS.values():
        for name, exact in pinned(path).items():
            assert run.get(name, exact) == exact, f"{name} in {path.name}"


def test_what_is_built_is_built_by_what_is_locked() -> None:
    """`--no-build-isolation`: pip would fetch what it builds with, and check no hash of it."""
    (build,) = PYPROJECT["build-system"]["requires"]
    assert GROUPS["build"] == [build]
    for file in ("Makefile", "Dockerfile"):
        text = (ROOT / file).read_text("utf-8").replace("\\\n", " ")
        found = re.findall(r"--no-binary.*|(?:PIP\)|pip install) --no-deps.*", text)
        assert len(found) == 2
        assert all("--no-build-isolation" in options for options in found), file


@pytest.mark.parametrize("name", LEAST)
def test_nothing_is_older_than_its_known_holes(name: str) -> None:
    least = Version(LEAST[name])
    locked = pinned(RUN).get(name)
    assert locked is None or Version(locked) >= least
    try:
        installed = Version(version(name))
    except PackageNotFoundError:
        assert name in ABSENT_IS_FINE
        assert locked is None
    else:
        assert installed >= least
