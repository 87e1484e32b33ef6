"""What the decoding processes cost, and what hostile files do to them.

    python -m benchmarks.decoding cost               start, and each photo against Pillow in-process
    python -m benchmarks.decoding large              25 Mpx of every kind: memory and time
    python -m benchmarks.decoding hostile            10,000 mutated files, and bombs
    python -m benchmarks.decoding hostile --n 400    fewer

All pictures are drawn. `hostile` ends with 1 where a process of ours or an exception came to the
surface, where a decoding process took more memory than it may, or where a wrong picture came back
for the file after a hostile one.
"""

import argparse
import io
import random
import re
import statistics
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageOps

from enrollment.decoder import Decoder
from enrollment.decoder_child import rgb
from enrollment.decoder_process import DecoderGone, DecoderLimits, DecoderProcess
from enrollment.photo import Picture, decode, decode_small, photo_bytes
from enrollment.reasons import Reason

KINDS = ("JPEG", "PNG", "WEBP", "HEIF")
_PNG = b"\x89PNG\r\n\x1a\n"
_UNBOUND = 16 * 2**30
_TURNED = 6  # EXIF orientation: the most memory, for it is turned in a copy


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    asked.add_argument("what", choices=("cost", "large", "hostile"))
    asked.add_argument("--n", type=int, default=10_000, help="mutated files")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    pillow_heif.register_heif_opener(thumbnails=False)
    if given.what == "cost":
        show_cost()
    elif given.what == "large":
        show_large()
    else:
        sys.exit(show_hostile(given.n, given.seed))


# -- what it costs --------------------------------------------------------------------------------


def show_cost() -> None:
    starts = [timed(lambda: DecoderProcess(DecoderLimits()).close()) for _ in range(10)]
    print(f"start and end of a process: {milliseconds(starts)}")
    print("kind  pixels        in-process        decoder     ratio   thumbnail")
    for side in (240, 480, 1280, 3000):
        picture = Image.fromarray(drawn(side, side * 4 // 3))
        for kind in KINDS:
            data = saved(picture, kind)
            here, there, small = compared(data, kind)
            ratio = statistics.median(there) / statistics.median(here)
            print(
                f"{kind:5} {side}x{side * 4 // 3:<6} {milliseconds(here):>16} "
                f"{milliseconds(there):>16} {ratio:6.2f}   {milliseconds(small)}"
            )


def compared(data: bytes, kind: str) -> tuple[list[float], list[float], list[float]]:
    """Seconds in this process, in a decoding process, and of a thumbnail there."""
    photo = photo_bytes("x", data)
    here, there, small = [], [], []
    with Decoder() as decoder:
        decode(photo, decoder)
        for _ in range(9):  # in turn: the machine is shared
            here.append(timed(lambda: in_process(data, kind)))
            there.append(timed(lambda: decode(photo, decoder)))
            small.append(timed(lambda: decode_small(photo, 176, decoder)))
    return here, there, small


def in_process(data: bytes, kind: str) -> NDArray[np.uint8]:
    """As it was before: Pillow in this process."""
    with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
        return np.array(rgb(ImageOps.exif_transpose(opened)), np.uint8)


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def milliseconds(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.1f} ms (max {max(seconds) * 1e3:.0f})"


# -- the largest that is allowed ------------------------------------------------------------------


def show_large() -> None:
    """Each in a process of its own, without a bound, so that what it needs is seen."""
    bound = DecoderLimits()
    limits = DecoderLimits(memory=_UNBOUND, seconds=60, patience=120)
    print(f"bounds: {bound.memory / 2**20:.0f} MB, {bound.seconds} s")
    print("photo                     file  address space  resident  processor  seconds")
    for name, kind, data in largest():
        process = DecoderProcess(limits)
        before = processor_seconds(process.pid)
        start = time.perf_counter()
        try:
            decoded = process.decode(data, kind)
        except DecoderGone:
            print(f"{name:22} ended by the kernel")
            continue
        seconds = time.perf_counter() - start
        used = processor_seconds(process.pid) - before
        space, resident = memory_of(process.pid)
        process.close()
        assert decoded.pixels is not None, name
        fits = space <= bound.memory / 2**20 and used <= bound.seconds
        print(
            f"{name:22} {len(data) / 1e6:5.1f} MB {space:10.0f} MB {resident:6.0f} MB "
            f"{used:8.2f} s {seconds:8.2f}  {'' if fits else 'OVER'}",
            flush=True,
        )


def largest() -> Iterator[tuple[str, str, bytes]]:
    grain = drawn(5000, 5000)
    colours = Image.fromarray(grain)
    clear = colours.copy()
    clear.putalpha(Image.fromarray(grain[..., 1]))
    deep = Image.fromarray(grain[..., 0].astype(np.uint16) * 257)
    options: list[tuple[str, str, Image.Image, dict[str, object]]] = [
        ("JPEG", "JPEG", colours, {"quality": 90}),
        ("JPEG progressive 4:4:4", "JPEG", colours, {"progressive": True, "subsampling": 0}),
        ("JPEG CMYK", "JPEG", colours.convert("CMYK"), {"quality": 80, "progressive": True}),
        ("PNG", "PNG", colours, {"compress_level": 1}),
        ("PNG transparent", "PNG", clear, {"compress_level": 1}),
        ("PNG 16-bit grey", "PNG", deep, {"compress_level": 1}),
        ("PNG palette", "PNG", colours.convert("P"), {"compress_level": 1}),
        ("WebP", "WEBP", colours, {"quality": 85, "method": 0}),
        ("WebP transparent", "WEBP", clear, {"quality": 85, "method": 0}),
        ("WebP lossless", "WEBP", colours, {"lossless": True, "quality": 0, "method": 0}),
        ("HEIC", "HEIF", colours, {"quality": 60}),
        ("HEIC 4:4:4", "HEIF", colours, {"quality": 60, "chroma": 444}),
        ("HEIC transparent", "HEIF", clear, {"quality": 60}),
    ]
    for name, kind, picture, how in options:
        yield name, kind, saved(picture, kind, _TURNED, **how)


def memory_of(pid: int) -> tuple[float, float]:
    """The most address space and the most memory that it ever had, MB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    space, resident = (
        int(re.search(rf"{name}:\s*(\d+)", status)[1]) / 1024  # type: ignore[index]
        for name in ("VmPeak", "VmHWM")
    )
    return space, resident


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


# -- hostile files --------------------------------------------------------------------------------


def show_hostile(n: int, seed: int) -> int:
    """Every mutated file, and after each an honest one of known pixels."""
    rng = random.Random(seed)
    honest = photo_bytes("honest", saved(Image.fromarray(drawn(24, 32)), "PNG"))
    seeds = [(kind, data) for kind in KINDS for data in seed_files(kind)]
    answers: Counter[str] = Counter()
    refusals, worst, escaped, wrong = [], 0.0, 0, 0
    processes = set()
    with Decoder() as decoder:
        expected = pixels_of(decode(honest, decoder))
        for number in range(n + len(BOMBS)):
            if number < n:
                kind, whole = seeds[number % len(seeds)]
                data = mutated(whole, rng)
            else:
                kind, data = BOMBS[number - n]()
            start = time.perf_counter()
            try:
                answer = decode(photo_bytes("hostile", data), decoder)
            except Exception as error:
                print(f"{kind}: {error!r}")
                escaped += 1
                continue
            seconds = time.perf_counter() - start
            if isinstance(answer, Reason):
                refusals.append(seconds)
                said = re.sub(r"\d+ x \d+", "N x N", answer.message)
                answers[f"{kind} {answer.code.value}: {said}"] += 1
            else:
                answers[f"{kind} read"] += 1
            for pid in decoder.pids():
                processes.add(pid)
                worst = max(worst, memory_of(pid)[0])
            if number % 10 == 0 and not np.array_equal(
                pixels_of(decode(honest, decoder)), expected
            ):
                wrong += 1
    for name, count in sorted(answers.items()):
        print(f"{count:6}  {name}")
    refusals.sort()
    p50, p99 = (refusals[int(len(refusals) * share)] * 1e3 for share in (0.5, 0.99))
    bound = DecoderLimits().memory / 2**20
    print(
        f"n {n} + {len(BOMBS)} bombs (seed {seed}); exceptions {escaped}; "
        f"honest photos read wrongly {wrong}; decoding processes lost {len(processes) - 1}; "
        f"most address space of one that answered {worst:.0f} MB of {bound:.0f}; "
        f"refusals {len(refusals)}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {refusals[-1]:.2f} s"
    )
    return int(bool(escaped or wrong or worst > bound))


def seed_files(kind: str) -> Iterator[bytes]:
    picture = Image.fromarray(drawn(96, 128))
    yield saved(picture, kind, _TURNED)
    if kind == "JPEG":
        yield saved(picture, kind, progressive=True)
    if kind == "PNG":
        yield saved(picture.convert("P"), kind, compress_level=1)
        yield saved(Image.fromarray(drawn(96, 128)[..., 0].astype(np.uint16) * 257), kind)
    if kind == "WEBP":
        yield saved(picture, kind, lossless=True)
    if kind in ("PNG", "WEBP", "HEIF"):
        clear = picture.copy()
        clear.putalpha(128)
        yield saved(clear, kind)


def mutated(whole: bytes, rng: random.Random) -> bytes:
    """One to eight changes: a byte, a number of four bytes, a piece taken out, doubled or cut."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 8)):
        # Headers are where sizes are, so half of the changes are there.
        most = min(len(data), 200) if rng.random() < 0.5 else len(data)
        at = rng.randrange(max(most, 1))
        change = rng.randrange(6)
        if change <= 2:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif change == 3:
            number = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 65535, 100_000))
            data[at : at + 4] = number.to_bytes(4, rng.choice(("big", "little")))
        elif change == 4:
            end = at + rng.randint(1, 64)
            data[at:end] = b"" if rng.random() < 0.5 else data[at:end] * 2
        elif rng.random() < 0.2:
            del data[max(at, 12) :]
    return with_checksums(bytes(data)) if rng.random() < 0.5 else bytes(data)


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the right sums again, or else nothing behind them is reached."""
    if not data.startswith(_PNG):
        return data
    made, at = bytearray(_PNG), len(_PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        made += data[at:end] + struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(made)


def many_pixels() -> tuple[str, bytes]:
    """A PNG whose header says a billion pixels."""
    return "bomb", bomb_png(32_000, 32_000)


def just_allowed() -> tuple[str, bytes]:
    """A PNG of 25 Mpx in 30 kB: unpacked, for it is allowed."""
    return "bomb", bomb_png(5_000, 5_000)


def wide() -> tuple[str, bytes]:
    return "bomb", bomb_png(25_000_000, 1)


def many_scans() -> tuple[str, bytes]:
    """A progressive JPEG of 24 Mpx that repeats its last scan until the file is full."""
    whole = saved(Image.new("RGB", (6000, 4000), "red"), "JPEG", progressive=True)
    at = whole.rindex(b"\xff\xda")
    scan = whole[at:-2]
    return "bomb", whole[:-2] + scan * ((9_900_000 - len(whole)) // len(scan)) + whole[-2:]


def lying_heif() -> tuple[str, bytes]:
    """A HEIC whose header says 64 x 64, and whose stream has 9 Mpx."""
    whole = saved(Image.new("RGB", (3000, 3000), "red"), "HEIF", quality=10)
    return "bomb", whole.replace(struct.pack(">II", 3000, 3000), struct.pack(">II", 64, 64))


BOMBS: tuple[Callable[[], tuple[str, bytes]], ...] = (
    many_pixels,
    just_allowed,
    wide,
    many_scans,
    lying_heif,
)


def bomb_png(width: int, height: int) -> bytes:
    """Black pixels, packed as small as it gets."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + width * 3)
    rows = height if width * height <= 25_000_000 else 1
    body = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _PNG + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


# -- pictures -------------------------------------------------------------------------------------


def drawn(height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3): slopes with grain, as photos have, from a fixed seed."""
    rng = np.random.default_rng(7)
    down, right = np.linspace(0, 200, height)[:, None], np.linspace(0, 200, width)[None]
    tile = rng.integers(0, 24, (256, 256), np.uint8)
    grain = np.tile(tile, (height // 256 + 1, width // 256 + 1))[:height, :width]
    return np.stack(
        [(c + grain).astype(np.uint8) for c in (down + 0 * right, right + 0 * down, 200 - down)]
        if height == width
        else [(down + grain).astype(np.uint8), (right + grain).astype(np.uint8), grain],
        axis=2,
    )


def saved(picture: Image.Image, kind: str, orientation: int = 1, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    picture.save(written, kind, exif=exif.tobytes(), **options)
    return written.getvalue()


def pixels_of(answer: Picture | Reason) -> NDArray[np.uint8]:
    assert isinstance(answer, Picture), answer
    return answer.image


if __name__ == "__main__":
    main()
