import pytest

from store.errors import GalleryDamaged, KeyMissing
from store.key import make_key_file, parse_key, read_key_file
from store.vault import Vault

MASTER = bytes(range(32))


def test_what_is_sealed_opens_again() -> None:
    key, wrapped = Vault(MASTER).new_key("anna")
    sealed = key.seal(b"template", "template", "7", "print")
    assert (
        Vault(MASTER).unwrap("anna", wrapped).open(sealed, "template", "7", "print") == b"template"
    )
    assert b"template" not in sealed


@pytest.mark.parametrize(
    "context", [("template", "8", "print"), ("template", "7", "other"), ("image", "7", "print")]
)
def test_a_row_that_was_moved_does_not_open(context: tuple[str, ...]) -> None:
    key, _ = Vault(MASTER).new_key("anna")
    sealed = key.seal(b"template", "template", "7", "print")
    with pytest.raises(GalleryDamaged):
        key.open(sealed, *context)


def test_another_subjects_key_does_not_open() -> None:
    vault = Vault(MASTER)
    anna, wrapped = vault.new_key("anna")
    bert, _ = vault.new_key("bert")
    with pytest.raises(GalleryDamaged):
        bert.open(anna.seal(b"x", "t"), "t")
    with pytest.raises(GalleryDamaged):
        vault.unwrap("bert", wrapped)


def test_every_flipped_bit_is_noticed() -> None:
    key, _ = Vault(MASTER).new_key("anna")
    sealed = key.seal(b"x" * 16, "t")
    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(GalleryDamaged):
            key.open(bytes(damaged), "t")
    with pytest.raises(GalleryDamaged):
        key.open(sealed[:5], "t")


def test_key_file_is_private_and_never_overwritten(tmp_path) -> None:
    path = tmp_path / "keys" / "g.key"
    key = make_key_file(path)
    assert read_key_file(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_key_file(path)
    path.chmod(0o644)
    with pytest.raises(KeyMissing, match="chmod 600"):
        read_key_file(path)
    with pytest.raises(KeyMissing, match="not there"):
        read_key_file(tmp_path / "none.key")


def test_key_texts() -> None:
    import base64

    assert parse_key(MASTER.hex() + "\n") == MASTER
    assert parse_key(base64.urlsafe_b64encode(MASTER).decode()) == MASTER
    for bad in ("", "short", "zz" * 32, "00" * 31):
        with pytest.raises(KeyMissing):
            parse_key(bad)
