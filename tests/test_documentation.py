"""README and --help are true: every command is there, has an example, and its files exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from app.cli import app
from app.language import Language
from app.retention_text import rules_of
from enrollment.retention_policy import RetentionPolicy
from enrollment.review_policy import ReviewPolicy

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> Iterator[tuple[str, str]]:
    """Every command's full name, and its help."""
    root = get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command.help or ""
        for inner, found in (below or {}).items():
            yield f"{name} {inner}", found.help or ""


@pytest.mark.parametrize(("name", "text"), list(commands()))
def test_every_command_is_documented(name: str, text: str) -> None:
    assert f"Example: rollcall {name}" in " ".join(text.split())
    group, _, inner = name.partition(" ")
    written = re.search(rf"`rollcall {group}[ `|\\].*", README)
    assert written, f"README does not name {name}"
    assert inner in written.group(0)


def test_commands_of_later_work_are_absent() -> None:
    names = {name.split()[0] for name, _ in commands()}
    assert names == {
        "init", "enroll", "identify", "verify", "people", "person", "erase", "calibrate",
        "evaluate", "rebuild", "doctor", "demo", "serve", "nightly", "head",
        "stream-benchmark", "cohort", "review", "watch", "api-key", "users", "audit", "webhook",
        "retention", "backup", "restore", "keys", "rebackbone", "merge-gallery", "compress",
    }  # fmt: skip


def test_links_and_make_targets_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_published_rules_are_those_of_the_defaults() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    shown = text.partition("compares them -->")[2].partition("<!-- end")[0].strip().splitlines()
    rules = rules_of(Language(), RetentionPolicy(), ReviewPolicy(), asked=True)
    assert shown == [f"- {rule}" for rule in rules]


def test_every_requirement_has_a_reason_and_an_exact_version() -> None:
    exact = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name = re.split(r"[\[=<>]", line)[0].lower().replace("_", "-")
            assert "#" in line, f"{name} has no reason"
            assert name in exact, f"{name} has no exact version"


def test_every_attack_is_held_by_a_test_that_exists() -> None:
    """SECURITY.md promises nothing that no test holds."""
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    rows = re.findall(r"^\| (?!attack|---)(.+?) \| .+ \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\|", text, re.MULTILINE)) - 2  # its head
    for attack, tests in rows:
        assert re.fullmatch(r"`tests/[\w/]+\.py`(, `tests/[\w/]+\.py`)*", tests), attack
    for path in re.findall(r"`(tests/[^`]+)`|\]\(([^)#:]+)\)", text):
        assert (ROOT / "".join(path)).is_file(), path


def test_the_console_script_is_typer() -> None:
    assert isinstance(app, typer.Typer)
