"""The decoding processes: what they give back, what they may not do, and how they are lost."""

import contextlib
import io
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from benchmarks.decoding import BOMBS, KINDS, mutated, seed_files
from enrollment import decoder_child, photo
from enrollment.decoder import Decoder
from enrollment.decoder_child import REPLY, Verdict, rgb
from enrollment.decoder_process import DecoderGone, DecoderLimits, DecoderProcess
from enrollment.photo import Picture, decode, decode_small, photo_bytes
from enrollment.reasons import Reason, ReasonCode

pillow_heif.register_heif_opener()
RNG = np.random.default_rng(3)
NOISE = RNG.integers(0, 256, (30, 41, 4), np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    written = io.BytesIO()
    image.save(written, kind, exif=exif.tobytes(), **options)
    return written.getvalue()


SMALL = saved(Image.fromarray(NOISE[..., :3]), "PNG")


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


def read(data: bytes, decoder: Decoder) -> Picture | Reason:
    return decode(photo_bytes("x", data), decoder)


def pixels(data: bytes, decoder: Decoder) -> np.ndarray:
    picture = read(data, decoder)
    assert isinstance(picture, Picture), picture
    return picture.image


def reason(data: bytes, decoder: Decoder) -> Reason:
    answer = read(data, decoder)
    assert isinstance(answer, Reason)
    return answer


def ended(pid: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            status = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2]
            if status.split()[0] != "Z":
                time.sleep(0.02)
                continue
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_pixel_is_that_of_pillow(kind: str, mode: str) -> None:
    image = Image.fromarray(NOISE, "RGBA").convert("RGB" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(RNG.integers(0, 65536, (30, 41), np.uint16))
    try:
        data = saved(image, kind)
    except OSError:
        pytest.skip(f"{kind} has no {mode}")
    opened = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if opened.mode.startswith("I"):
        grey = (np.asarray(opened, np.float64) / 257).astype(np.uint8)
        expected = np.repeat(grey[..., None], 3, axis=2)
    else:
        expected = np.asarray(rgb(opened))
    got = decode(photo_bytes("x", data))
    assert isinstance(got, Picture)
    assert got.image.shape == (41, 30, 3)
    assert np.array_equal(got.image, expected)
    small = decode_small(photo_bytes("x", data), 20)
    assert isinstance(small, np.ndarray)
    assert small.shape == (20, 15, 3)


def test_pictures_larger_than_a_strip_come_back_whole(decoder: Decoder) -> None:
    large = RNG.integers(0, 256, (1201, 907, 3), np.uint8)
    written = io.BytesIO()
    Image.fromarray(large).save(written, "PNG", compress_level=0)
    assert np.array_equal(pixels(written.getvalue(), decoder), large)


def test_heic_is_read_and_sequences_are_not(decoder: Decoder) -> None:
    slope = np.linspace(0, 255, 64 * 48, dtype=np.uint8).reshape(48, 64)
    written = io.BytesIO()
    Image.fromarray(np.stack([slope] * 3, axis=2)).save(written, "HEIF", quality=95)
    data = written.getvalue()
    image = pixels(data, decoder)
    assert np.abs(image[..., 0].astype(int) - slope).mean() < 4
    for brand in (b"hevc", b"msf1"):
        answer = reason(data.replace(b"ftypheic", b"ftyp" + brand, 1), decoder)
        assert answer.code == ReasonCode.UNSUPPORTED_FORMAT
    assert "HEIC" in answer.message
    assert reason(data[:-200], decoder).code == ReasonCode.UNREADABLE_IMAGE


def test_threads_share_two_processes_and_get_their_own_pictures(decoder: Decoder) -> None:
    shades = range(0, 240, 5)
    files = [saved(Image.new("RGB", (50, 40), (shade,) * 3), "PNG") for shade in shades]
    with ThreadPoolExecutor(8) as threads:
        images = list(threads.map(lambda data: pixels(data, decoder), files))
    assert [int(image[0, 0, 0]) for image in images] == list(shades)
    assert all((image == image[0, 0]).all() for image in images)
    assert 1 <= len(decoder.pids()) <= 2


def test_a_process_that_died_between_photos_is_replaced(decoder: Decoder) -> None:
    first = pixels(SMALL, decoder)
    (pid,) = decoder.pids()
    os.kill(pid, signal.SIGKILL)
    assert ended(pid)
    assert np.array_equal(pixels(SMALL, decoder), first)
    assert decoder.pids() != [pid]


def test_a_process_that_hangs_costs_its_photo_alone() -> None:
    with Decoder(DecoderLimits(patience=0.5)) as decoder:
        pixels(SMALL, decoder)
        (pid,) = decoder.pids()
        os.kill(pid, signal.SIGSTOP)
        answer = reason(SMALL, decoder)
        assert answer.code == ReasonCode.UNREADABLE_IMAGE
        assert "too long" in answer.message
        assert ended(pid)
        pixels(SMALL, decoder)


def test_a_process_that_is_killed_in_the_middle_costs_its_photo_alone(decoder: Decoder) -> None:
    pixels(SMALL, decoder)
    (pid,) = decoder.pids()
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    answer = reason(SMALL, decoder)
    assert answer.code == ReasonCode.UNREADABLE_IMAGE
    assert "try again" in answer.message
    pixels(SMALL, decoder)


def test_the_kernel_ends_what_takes_too_much_of_the_processor() -> None:
    large = saved(Image.fromarray(np.tile(NOISE[..., :3], (60, 60, 1))), "WEBP", method=0)
    with Decoder(DecoderLimits(seconds=0.02)) as decoder:
        answer = reason(large, decoder)
        assert answer.code == ReasonCode.UNREADABLE_IMAGE
        assert "too long" in answer.message
        pixels(SMALL, decoder)


def test_too_much_memory_is_a_reason() -> None:
    large = saved(Image.new("RGB", (5000, 4000), "red"), "PNG")
    with Decoder(DecoderLimits(memory=128 * 2**20)) as decoder:
        answer = reason(large, decoder)
        assert answer.code == ReasonCode.TOO_LARGE
        assert "memory" in answer.message
        pixels(SMALL, decoder)


def test_a_decoder_that_does_not_start_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", program)
        with Decoder() as decoder:
            assert "does not start" in reason(SMALL, decoder).message


@pytest.mark.parametrize(
    "said",
    [
        b"",
        REPLY.pack(99, 1, 1),
        REPLY.pack(Verdict.READY, 0, 0),
        REPLY.pack(Verdict.PIXELS, 0, 5),
        REPLY.pack(Verdict.PIXELS, 2**32 - 1, 2**32 - 1),
        REPLY.pack(Verdict.PIXELS, 10, 10) + bytes(299),
    ],
)
def test_nothing_is_believed_of_what_a_hostile_process_says(said: bytes) -> None:
    process = DecoderProcess(DecoderLimits(patience=1))
    process._socket.close()
    process._socket, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(DecoderGone):
            process.decode(SMALL, "PNG")
    assert process._process.returncode is not None


def test_a_process_that_speaks_unasked_is_not_asked(decoder: Decoder) -> None:
    pixels(SMALL, decoder)
    process = decoder._idle[0]
    process._socket.close()
    process._socket, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(REPLY.pack(Verdict.PIXELS, 1, 1) + b"bad")
        assert pixels(SMALL, decoder).shape == (41, 30, 3)
    assert decoder.pids() != [process.pid]


def test_a_fork_has_processes_of_its_own(decoder: Decoder) -> None:
    pixels(SMALL, decoder)
    before = decoder.pids()
    decoder._owner = -1  # as a fork sees it
    pixels(SMALL, decoder)
    assert decoder.pids() != before
    for pid in before:
        assert ended(pid), "its socket was closed with the old list"


def test_the_one_of_the_process_is_made_when_it_is_needed() -> None:
    assert photo.shared_decoder() is photo.shared_decoder()
    code = "import enrollment.photo as p; print(p.shared_decoder.cache_info().currsize)"
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"0"


def test_the_program_needs_nothing_of_ours_and_no_numpy() -> None:
    path = Path(decoder_child.__file__)
    code = (
        f"import runpy, sys; m = runpy.run_path({str(path)!r}); m['_load'](); print(*sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"numpy", "enrollment", "tensorflow"} & set(loaded)


SHUT_IN = f"""
import os, runpy, signal, socket, subprocess, sys
runpy.run_path({decoder_child.__file__!r})["shut_in"](2**30)
def tried(act):
    try:
        act()
    except (OSError, MemoryError):
        return "refused"
    return "done"
place = sys.argv[1]
print(
    tried(lambda: open("/etc/passwd")),
    tried(lambda: socket.socket()),
    tried(lambda: os.pipe()),
    tried(lambda: bytearray(2**30)),
    tried(lambda: os.unlink(place)),
    tried(lambda: os.rename(place, place + "x")),
    tried(lambda: os.execv("/bin/true", ["true"])),
)
"""


def test_a_process_may_open_nothing_delete_nothing_and_start_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    said = subprocess.check_output([sys.executable, "-c", SHUT_IN, str(kept)], text=True).split()
    landlock = Path("/sys/kernel/security/lsm").exists() and "landlock" in Path(
        "/sys/kernel/security/lsm"
    ).read_text("utf-8")
    assert said[:4] == ["refused"] * 4
    if landlock:
        assert said[4:] == ["refused"] * 3
        assert kept.exists()


def test_no_key_is_in_a_process_s_variables(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLCALL_KEY", "secret")
    pixels(SMALL, decoder)
    (pid,) = decoder.pids()
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return  # nor may any other program of this user look into it
    assert b"MALLOC_ARENA_MAX" in variables
    assert b"secret" not in variables


def test_few_hundred_mutated_files_are_pictures_or_reasons(decoder: Decoder) -> None:
    rng = random.Random(5)
    expected = pixels(SMALL, decoder)
    seeds = [data for kind in KINDS for data in seed_files(kind)]
    for number in range(300):
        answer = read(mutated(seeds[number % len(seeds)], rng), decoder)
        assert isinstance(answer, Picture | Reason)
    assert np.array_equal(pixels(SMALL, decoder), expected)


PARENT = """
import sys, time
from enrollment.photo import decode, photo_bytes, shared_decoder
assert decode(photo_bytes("x", bytes.fromhex(sys.argv[1]))).image.any()
print(*shared_decoder().pids(), flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wait", "end"])
def test_processes_end_with_their_parent(way: str) -> None:
    command = [sys.executable, "-c", PARENT, SMALL.hex(), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert pids
        if way == "wait":
            parent.kill()
    assert all(ended(pid) for pid in pids)


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_bombs_are_pictures_or_reasons_within_the_limits(bomb: object, decoder: Decoder) -> None:
    _, data = bomb()  # type: ignore[operator]
    answer = read(data, decoder)
    assert isinstance(answer, Picture | Reason)
    assert pixels(SMALL, decoder).any()


@pytest.mark.slow
def test_processes_killed_at_any_moment_never_hurt_ours(decoder: Decoder) -> None:
    """A reaper kills every tenth of a second while four threads decode."""
    over = threading.Event()
    large = saved(Image.fromarray(np.tile(NOISE[..., :3], (40, 40, 1))), "JPEG")
    expected = pixels(large, decoder)
    lost: list[int] = []

    def reap() -> None:
        while not over.wait(0.1):
            for pid in children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    lost.append(pid)

    reaper = threading.Thread(target=reap)
    reaper.start()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: read(large, decoder), range(120)))
    over.set()
    reaper.join()
    assert lost
    assert all(isinstance(a, Reason) or np.array_equal(a.image, expected) for a in answers)
    assert np.array_equal(pixels(large, decoder), expected)


def children() -> list[int]:
    """The decoding processes of this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text("utf-8").rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found
