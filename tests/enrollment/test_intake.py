"""Folders, archives and tables, as people make them and as attackers do."""

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment import people_archive
from enrollment.errors import BadInput
from enrollment.handed_in import HandedIn, read_handed_in
from enrollment.intake import check_name, files_to_identify, gather
from tests import tiny

PICTURE = tiny.png(tiny.picture((1, 0)))


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace", "Amer_al-Saadi", "Conan O'Brien", "Zoë", "李小龙", "Наталья", "محمد",
        "J. R. (Bob) & Co.", "นภา", "a" * 100,
    ],
)  # fmt: skip
def test_names_of_any_alphabet(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "  ", "../x", "a/b", "a\\b", "<b>x</b>", "x\x00y", "x\ny", "😀", "a" * 101, "a" * 10_000,
     "=1+1", "x;y", "\u202eevil", "x\x1b[31m"],
)  # fmt: skip
def test_names_that_nobody_has(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_name(name)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_one_line(name: str) -> None:
    try:
        assert check_name(name) == name
    except BadInput as error:
        assert str(error).isprintable()


def test_a_folder_of_folders(tmp_path: Path) -> None:
    tiny.write_photos(tmp_path / "Anna", 1, range(2))
    tiny.write_photos(tmp_path / "Bert Zoë", 2, range(3))
    (tmp_path / "Anna" / "notes.txt").write_text("x")
    (tmp_path / ".hidden").mkdir()
    tiny.write_photos(tmp_path / ".hidden" / "Eve", 3, range(1))
    assert [(p.name, len(p.photos)) for p in gather([tmp_path])] == [("Anna", 2), ("Bert Zoë", 3)]


def test_one_persons_folder_and_loose_photos_need_a_name(tmp_path: Path) -> None:
    tiny.write_photos(tmp_path, 1, range(2))
    with pytest.raises(BadInput, match="--name"):
        gather([tmp_path])
    with pytest.raises(BadInput, match="--name"):
        gather([tmp_path / "0.png"])
    (person,) = gather([tmp_path], "Anna", "7")
    assert (person.name, person.external_id, len(person.photos)) == ("Anna", "7", 2)


def test_folders_inside_a_persons_folder_are_refused(tmp_path: Path) -> None:
    tiny.write_photos(tmp_path / "staff" / "Anna", 1, range(2))
    with pytest.raises(BadInput, match="lies inside"):
        gather([tmp_path])
    assert gather([tmp_path / "staff"])[0].name == "Anna"


def test_nothing_to_enroll(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no photo"):
        gather([tmp_path])
    with pytest.raises(BadInput, match="no photo"):
        gather([tmp_path], "Anna")
    with pytest.raises(BadInput, match="does not exist"):
        gather([tmp_path / "none"])
    with pytest.raises(BadInput, match="no photo"):
        files_to_identify([tmp_path])
    with pytest.raises(BadInput, match="is not a file"):
        files_to_identify([tmp_path / "none.jpg"])


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_archives(tmp_path: Path) -> None:
    flat = zipped(tmp_path / "a.zip", {"Anna/1.png": PICTURE, "Bert/1.png": PICTURE})
    assert [p.name for p in gather([flat])] == ["Anna", "Bert"]
    deep = zipped(tmp_path / "b.zip", {"staff/Anna/1.png": PICTURE, "staff/Bert/x/1.png": PICTURE})
    assert [p.name for p in gather([deep])] == ["Anna", "Bert"]
    one = zipped(
        tmp_path / "c.zip", {"Anna/1.png": PICTURE, "__MACOSX/Anna/._1.png": b"", "Anna/t": b""}
    )
    (anna,) = gather([one])
    assert (anna.name, len(anna.photos)) == ("Anna", 1)
    assert anna.photos[0].read() == PICTURE
    loose = zipped(tmp_path / "d.zip", {"1.png": PICTURE})
    assert gather([loose], "Anna")[0].name == "Anna"
    with pytest.raises(BadInput, match="--name"):
        gather([loose])


@pytest.mark.parametrize(
    "member", ["../evil.png", "/etc/evil.png", "a/../../b.png", "C:/x.png", "..\\x.png"]
)
def test_archives_that_point_outside(tmp_path: Path, member: str) -> None:
    archive = zipped(tmp_path / "x.zip", {"Anna/1.png": PICTURE, member: PICTURE})
    with pytest.raises(BadInput, match="outside"):
        gather([archive])


def test_archives_that_explode_or_mislead(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="times when unpacked"):
        gather([zipped(tmp_path / "a.zip", {"Anna/1.png": bytes(3_000_000)})])
    with pytest.raises(BadInput, match="twice"):
        gather([zipped(tmp_path / "b.zip", {"Anna/1.png": PICTURE, "anna/1.PNG": PICTURE})])
    many = {f"Anna/{i}.png": b"x" for i in range(5_001)}
    with pytest.raises(BadInput, match="at most"):
        gather([zipped(tmp_path / "c.zip", many)])
    (tmp_path / "d.zip").write_bytes(b"this is no archive")
    with pytest.raises(BadInput, match="not a zip"):
        gather([tmp_path / "d.zip"])
    whole = zipped(tmp_path / "e.zip", {"Anna/1.png": os.urandom(4000)}).read_bytes()
    broken = bytearray(whole)
    broken[200] ^= 255
    (tmp_path / "e.zip").write_bytes(bytes(broken))
    (anna,) = gather([tmp_path / "e.zip"])
    with pytest.raises(OSError, match="damaged"):
        anna.photos[0].read()


def table(path: Path, text: str) -> Path:
    (path / "anna.png").write_bytes(PICTURE)
    (path / "people.csv").write_text(text, encoding="utf-8-sig")
    return path / "people.csv"


def test_tables(tmp_path: Path) -> None:
    tiny.write_photos(tmp_path / "more", 1, range(2))
    found = gather([table(tmp_path, "name,photo,external_id\nAnna,anna.png,7\nAnna,more,7\n")])
    assert [(p.name, p.external_id, len(p.photos)) for p in found] == [("Anna", "7", 3)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,picture\nAnna,anna.png\n", "no column photo"),
        ("", "no column"),
        ("name,photo\n=HYPERLINK(1),anna.png\n", "line 2.*formula"),
        ("name,photo\nAnna,@x.png\n", "line 2.*formula"),
        ("name,photo,external_id\nAnna,anna.png,+1\n", "line 2.*formula"),
        ("name,photo\nAnna,anna.png\n,anna.png\n", "line 3.*empty"),
        ("name,photo\nAnna,none.png\n", "line 2.*no photo"),
        ("name,photo\nA/b,anna.png\n", "line 2.*character"),
        ("name,photo\nAnna\n", "line 2.*empty"),
        ("name,photo\n\x00,x\n", "not a text"),
        (f"name,photo\nAnna,{'x' * 5000}\n", "line 2.*no photo"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        gather([table(tmp_path, text)])
    assert str(caught.value).isprintable()


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes("name,photo\nZoë,a.png\n".encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        gather([tmp_path / "p.csv"])


def test_line_numbers_are_those_of_an_editor(tmp_path: Path) -> None:
    text = "name,photo\nAnna,anna.png\n\n\nBert,none.png\n"
    with pytest.raises(BadInput, match="line 5: there is no photo"):
        gather([table(tmp_path, text)])


def test_a_table_as_a_spreadsheet_of_another_country_writes_it(tmp_path: Path) -> None:
    for sign in (";", "\t"):
        (anna,) = gather([table(tmp_path, "name,photo\nAnna,anna.png\n".replace(",", sign))])
        assert anna.name == "Anna"


def test_an_archive_with_a_table_at_the_top(tmp_path: Path) -> None:
    rows = b"name,photo,external_id\nAnna,photos/ANNA.png,7\nBert,bert,\n"
    members = {"s/people.csv": rows, "s/photos/anna.png": PICTURE, "s/bert/1.png": PICTURE,
               "s/bert/2.png": b"2", "s/photos/left.png": b"", "s/bert/notes.csv": b""}  # fmt: skip
    path = zipped(tmp_path / "a.zip", members)
    found = gather([path])
    assert [(p.name, p.external_id, len(p.photos)) for p in found] == [
        ("Anna", "7", 1), ("Bert", None, 2),
    ]  # fmt: skip
    intake = read_handed_in([HandedIn("a.zip", path.read_bytes())])
    assert [p.name for p in intake.people] == ["Anna", "Bert"]
    assert intake.unused == 1
    zipped(tmp_path / "b.zip", {"p.csv": b"name,photo\nAnna,none.png\n", "a.png": PICTURE})
    with pytest.raises(BadInput, match="line 2: there is no photo"):
        gather([tmp_path / "b.zip"])
    two = {"a.csv": b"", "b.csv": b"", "Anna/1.png": PICTURE}
    assert gather([zipped(tmp_path / "c.zip", two)])[0].name == "Anna", "neither is the table"


def test_damaged_members_are_refused_one_by_one(tmp_path: Path) -> None:
    """zlib's own error is none of zipfile's."""
    whole = bytearray(zipped(tmp_path / "a.zip", {"Anna/1.png": b"0123456789" * 20}).read_bytes())
    whole[45:50] = b"\xff" * 5
    (tmp_path / "a.zip").write_bytes(bytes(whole))
    (anna,) = gather([tmp_path / "a.zip"])
    with pytest.raises(OSError, match="damaged"):
        anna.photos[0].read()


# -- what a browser hands over --------------------------------------------------------------------


def handed(name: str, data: bytes | str = PICTURE) -> HandedIn:
    return HandedIn(name, data if isinstance(data, bytes) else data.encode())


def test_a_table_finds_its_photos_however_their_names_are_written() -> None:
    cells = ("zoë.png", "ZOE\u0308.PNG", "C:\\Users\\me\\zoë.png", "photos/Zoë.png", "./zoë.png")
    for cell in cells:
        for file in ("zoë.png", "Zoe\u0308.png"):
            found = read_handed_in([handed("a.csv", f"name,photo\nZoë,{cell}\n"), handed(file)])
            assert [p.name for p in found.people] == ["Zoë"], (cell, file)


def test_a_table_may_name_photos_inside_a_zip_beside_it(tmp_path: Path) -> None:
    photos = zipped(tmp_path / "a.zip", {"x/anna.png": PICTURE, "x/b.png": PICTURE}).read_bytes()
    found = read_handed_in(
        [handed("p.csv", "name,photo\nAnna,anna.png\n"), handed("a.zip", photos)]
    )
    assert [p.name for p in found.people] == ["Anna"]
    assert found.unused == 1


def test_wrong_lines_refuse_nobody_else() -> None:
    text = "name,photo\nAnna,a.png\n=1+1,a.png\nBert,none.png\nA/b,a.png\n,a.png\n"
    found = read_handed_in([handed("p.csv", text), handed("a.png")])
    assert [p.name for p in found.people] == ["Anna"]
    assert [r.line for r in found.refused] == [3, 4, 5, 6]
    for wrong, words in zip(found.refused, ("formula", "no photo", "'/'", "empty"), strict=True):
        assert words in wrong.message


def test_two_photos_of_one_name_are_a_question() -> None:
    files = [handed("p.csv", "name,photo\nAnna,a.png\n"), handed("a.png"), handed("A.png")]
    (wrong,) = read_handed_in(files).refused
    assert "2 photos are called 'a.png'" in wrong.message


def test_names_of_folders_are_refused_one_by_one(tmp_path: Path) -> None:
    data = zipped(tmp_path / "a.zip", {"Anna/1.png": PICTURE, "<b>/1.png": PICTURE}).read_bytes()
    found = read_handed_in([handed("a.zip", data)])
    assert [p.name for p in found.people] == ["Anna"]
    assert [(r.name, r.photos) for r in found.refused] == [("<b>", 1)]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([handed("a.png")], "photos alone"),
        ([handed("a.zip", b"")], "not a zip"),
        ([handed("a.csv", b"\xff\xfe")], "UTF-8"),
        ([handed("a.csv", bytes(11 * 1024**2))], "larger than 10 MB"),
        ([handed("a.csv", "name,photo\n" + "A,a.png\n" * 5001), handed("a.png")], "5001 lines"),
        ([handed("a.csv", "name,photo\n")], "there is no photo"),
    ],
)
def test_what_a_browser_hands_over_wrong(files: list[HandedIn], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read_handed_in(files)


def test_an_archive_of_links_and_archives_gives_nothing_away(tmp_path: Path) -> None:
    """A link in an archive is a file with a path in it, an archive within is no photo."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    link = zipfile.ZipInfo("Anna/1.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, str(secret))
    (anna,) = gather([tmp_path / "x.zip"])
    assert anna.photos[0].read() == str(secret).encode()
    inner = zipped(tmp_path / "inner.zip", {"Anna/1.png": PICTURE}).read_bytes()
    nested = zipped(tmp_path / "nested.zip", {"Anna/more.zip": inner})
    with pytest.raises(BadInput, match="no photo"):
        gather([nested])


def test_a_member_without_a_name_is_nothing(tmp_path: Path) -> None:
    """Python's own `is_dir` breaks off on one."""
    nameless = zipfile.ZipInfo()
    nameless.filename = ""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(nameless, PICTURE)
        archive.writestr("Anna/1.png", PICTURE)
    (anna,) = gather([tmp_path / "x.zip"])
    assert len(anna.photos) == 1


def test_an_archive_that_is_too_large_in_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_archive, "MAX_TOTAL", 10_000)
    members = {f"Anna/{i}.png": os.urandom(4000) for i in range(3)}
    with pytest.raises(BadInput, match="unpacks to"):
        gather([zipped(tmp_path / "x.zip", members)])


def test_an_archive_that_understates_itself_gives_no_more_than_a_photo(tmp_path: Path) -> None:
    """It says 10 bytes and holds 50 MB of them."""
    path = zipped(tmp_path / "x.zip", {"Anna/1.png": bytes(50 << 20)})
    raw = path.read_bytes()
    size = (50 << 20).to_bytes(4, "little")
    assert raw.count(size) == 2
    path.write_bytes(raw.replace(size, (10).to_bytes(4, "little")))
    (anna,) = gather([path])
    try:
        assert len(anna.photos[0].read()) <= people_archive.MAX_BYTES + 1
    except OSError as error:
        assert "damaged" in str(error)


def test_a_table_of_a_million_columns(tmp_path: Path) -> None:
    wide = b"name,photo" + b",x" * 1_000_000 + b"\nAnna,none.png" + b",y" * 1_000_000 + b"\n"
    (tmp_path / "wide.csv").write_bytes(wide)
    with pytest.raises(BadInput, match=r"line 2.*no photo"):
        gather([tmp_path / "wide.csv"])
