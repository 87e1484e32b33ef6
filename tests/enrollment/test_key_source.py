"""Where the master key may come from, and what is said where it does not."""

import stat
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from enrollment import key_command
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.key_command import run_key_command
from enrollment.key_source import first_key, key_of_backup, read_key, said
from enrollment.opening import facts_of, write_gallery
from enrollment.service import Service, open_service
from store.errors import KeyMissing
from store.key import make_key_file, next_key_file, old_key_file, read_key_file, settle_key_files
from store.vault import key_id_of
from tests import tiny

KEY, OTHER = bytes.fromhex(tiny.KEY), b"o" * 32
PYTHON = sys.executable


class FakeKeyring:
    """As the library answers."""

    class errors:  # noqa: N801 - the library's name
        KeyringError = RuntimeError

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.held.get((service, name))

    def set_password(self, service: str, name: str, text: str) -> None:
        self.held[service, name] = text


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    fake = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return fake


def test_a_command_prints_it(tmp_path: Path) -> None:
    file = tmp_path / "my key"
    file.write_text(tiny.KEY + "\n")
    settings = Settings(tmp_path, key_command=f"cat '{file}'")
    assert read_key(settings, "g", "id") == first_key(settings, "g") == KEY
    assert said(settings, "g") == "ROLLCALL_KEY_COMMAND"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("false", "ended with 1"),
        ("/no/such/program", "cannot be run"),
        ("'", "cannot be run"),
        ("", "cannot be run"),
        ("true", "printed no key"),
        ("printf '\\377'", "printed no key"),
        (f"{PYTHON} -c 'print(1); import time; time.sleep(9)'", "within 0.2 s"),
        ("echo $HOME; echo hush", "not 32 bytes"),
    ],
)
def test_a_command_that_gives_none_is_said(
    command: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in command:
        monkeypatch.setattr(key_command, "_SECONDS", 0.2)
    with pytest.raises(KeyMissing, match=says) as found:
        read_key(Settings(tmp_path, key_command=command), "g", "id")
    assert "hush" not in str(found.value), "what it prints may be a key"


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    assert run_key_command(f"echo a > {tmp_path}/x") == f"a > {tmp_path}/x"
    assert not list(tmp_path.iterdir())


def test_the_keyring_holds_each_key_under_its_own_name(
    keyring: FakeKeyring, settings: Settings, capture: Capture
) -> None:
    settings = replace(settings, key=None, keyring="rollcall")
    write_gallery(settings, facts_of(capture, "for tests", "required"))
    assert not settings.key_folder.exists(), "no file is made"
    with open_service(settings, capture=capture) as service:
        before = service.keys.rotate().before
    with open_service(settings, capture=capture) as service:
        gallery_id, key_id = service.facts.gallery_id, service.keys.key_id
        assert "rollcall" in service.keys.place
    names = {name for _, name in keyring.held}
    assert names == {f"{gallery_id}:{before}", f"{gallery_id}:{key_id}"}
    keyring.held.clear()
    with pytest.raises(KeyMissing, match=f"keyring set rollcall {gallery_id}"):
        open_service(settings, capture=capture)
    keyring.held["rollcall", gallery_id] = "00" * 32
    with pytest.raises(KeyMissing, match="not the one"):
        open_service(settings, capture=capture)


def test_a_keyring_that_is_not_installed_or_broken_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: str) -> None:
        raise RuntimeError("no backend")

    settings = Settings(tmp_path, keyring="rollcall")
    errors = SimpleNamespace(KeyringError=RuntimeError)
    fake = SimpleNamespace(get_password=broken, set_password=broken, errors=errors)
    monkeypatch.setitem(sys.modules, "keyring", fake)
    for use in (lambda: read_key(settings, "g", "id"), lambda: first_key(settings, "g")):
        with pytest.raises(KeyMissing, match="no backend"):
            use()
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyMissing, match="pip install"):
        read_key(settings, "g", "id")


def test_a_given_key_needs_a_place_for_the_new_one(service: Service, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--new-key-file"):
        service.keys.rotate()
    with pytest.raises(BadInput, match="already"):
        service.keys.rotate(tiny.KEY)
    done = service.keys.rotate(file=tmp_path / "new.key")
    assert key_id_of(read_key_file(tmp_path / "new.key")) == done.now == service.keys.key_id
    assert stat.S_IMODE((tmp_path / "new.key").stat().st_mode) == 0o600
    assert (done.place, done.kept) == (None, None)


@pytest.mark.parametrize("renamed", [0, 1])
def test_files_are_put_right_wherever_a_rotation_ended(tmp_path: Path, renamed: int) -> None:
    path = tmp_path / "g.key"
    old, new = key_id_of(KEY), key_id_of(OTHER)
    make_key_file(path, KEY)
    make_key_file(next_key_file(path, new), OTHER)
    settings = Settings(tmp_path / "home", key_folder=tmp_path)
    # Before its transaction the gallery is under the old key.
    assert read_key(settings, "g", old) == KEY
    if renamed:
        path.rename(old_key_file(path, old))
    assert read_key(settings, "g", new) == OTHER
    names = sorted(found.name for found in tmp_path.iterdir())
    assert names == ["g.key", f"g.key.old-{old}"]
    settle_key_files(path, new)
    assert read_key_file(old_key_file(path, old)) == KEY
    assert key_of_backup(settings, "g", old) == (KEY, OTHER)
    assert key_of_backup(settings, "g", new) == (OTHER, OTHER)
