"""The program of a decoding process: a file's bytes come in, upright RGB pixels go out.

`DecoderProcess` runs this file by its path. Nothing of Rollcall is imported here, and nothing that
Rollcall's process holds is inherited: no key, no open file, one socket as standard input. Whatever
a hostile file does to Pillow or libheif, it does to a process that may open no file, reach no
network and start no program.

Both sides speak fixed headers and raw bytes, so that the other side is given nothing to interpret:
`REQUEST` and the file; back comes `REPLY`, and after PIXELS width * height * 3 bytes.
"""

import os
import signal
import struct
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

REQUEST = struct.Struct("<BII")  # a place in FORMATS, side (0: as it is), bytes that follow
REPLY = struct.Struct("<BII")  # a verdict, width, height
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")

_SOCKET = 0
# Bytes that are converted at a time: a whole large picture does not fit in twice, and small pieces
# stay in the processor's cache (a picture of 2 Mpx in 19 ms instead of 52).
_STRIP = 2**18
# Of sixteen bits the upper eight; half a step keeps 257 * n from being rounded down to n - 1.
_SCALE, _OFFSET = 1 / 257, 0.5 / 257


class Verdict(IntEnum):
    READY = 1
    PIXELS = 2
    DAMAGED = 3
    ANIMATED = 4
    TOO_MANY_PIXELS = 5
    TOO_MUCH_MEMORY = 6


def main(pixels: int, memory: int, seconds: float) -> None:
    """Answer until the other side closes.

    Args:
        pixels: what a picture may have; more is refused by its header.
        memory: bytes of address space, for everything.
        seconds: of the processor that a picture may take; the kernel ends the process after that.
    """
    _load()  # what fails here is told by the server's standard error
    os.dup2(1, 2)  # and nothing later: a hostile file would write into its log
    shut_in(memory)
    _send(REPLY.pack(Verdict.READY, 0, 0))
    while header := _receive(REQUEST.size, at_an_end=True):
        place, side, length = REQUEST.unpack(header)
        data = _receive(length)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        _answer(data, FORMATS[place], side, pixels)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _load() -> None:
    """All that decoding needs, for nothing can be opened later."""
    import pillow_heif
    from PIL import (  # noqa: F401
        Image,
        ImageOps,
        JpegImagePlugin,
        MpoImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    # One thread: two processes decode at once, and each thread costs address space. An embedded
    # thumbnail may show somebody else than its picture does.
    pillow_heif.register_heif_opener(
        decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
    )
    Image.preinit()  # Pillow would import its plugins at the first picture
    Image.MAX_IMAGE_PIXELS = None  # this program's own limit is checked in `_opened`


def shut_in(memory: int) -> None:
    """Give up, for good, what decoding does not need."""
    import resource

    if sys.platform == "linux":
        _shut_in_by_kernel()
    # Elsewhere RLIMIT_AS is not kept, or not there.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))


def _shut_in_by_kernel() -> None:
    """No dump with a face in it, no new rights, and by Landlock no file, where the kernel has it.

    RLIMIT_CORE alone does not stop a dump that is piped to a program; RLIMIT_NOFILE alone does not
    stop what names a file without opening it: deleting, renaming, starting a program.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    set_dumpable, set_no_new_privs = 4, 38
    libc.prctl(set_dumpable, 0, 0, 0, 0)
    libc.prctl(set_no_new_privs, 1, 0, 0, 0)
    create_ruleset, restrict_self = 444, 446  # system calls, the same on every architecture
    abi = libc.syscall(create_ruleset, None, 0, 1)
    if abi < 1:
        return
    files = 2 ** {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16) - 1
    network = 3 if abi >= 4 else 0  # bind and connect
    scopes = 3 if abi >= 6 else 0  # abstract sockets, signals to others
    rules = struct.pack("=QQQ", files, network, scopes)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = libc.syscall(create_ruleset, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset >= 0:
        libc.syscall(restrict_self, ruleset, 0)
        os.close(ruleset)


def _answer(data: bytearray, kind: str, side: int, pixels: int) -> None:
    try:
        picture = _opened(data, kind, side, pixels)
    except MemoryError:
        picture = Verdict.TOO_MUCH_MEMORY, 0, 0
    except Exception:  # decoders raise many kinds for a damaged file
        picture = Verdict.DAMAGED, 0, 0
    if isinstance(picture, tuple):
        _send(REPLY.pack(*picture))
        return
    width, height = picture.size
    _send(REPLY.pack(Verdict.PIXELS, width, height))
    rows = max(_STRIP // (width * 3), 1)
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        _send(rgb(strip).tobytes())


def _opened(
    data: bytearray, kind: str, side: int, pixels: int
) -> "Image.Image | tuple[Verdict, int, int]":
    import io

    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
        data.clear()
        if opened.width * opened.height > pixels:
            return Verdict.TOO_MANY_PIXELS, opened.width, opened.height
        if kind in ("PNG", "WEBP") and getattr(opened, "n_frames", 1) > 1:
            return Verdict.ANIMATED, 0, 0
        if side and kind == "JPEG":
            opened.draft("RGB", (side, side))  # decoded small, which is quick
        opened.load()
        # A HEIF's pixels may be more than its header says.
        if opened.width * opened.height > pixels:
            return Verdict.TOO_MANY_PIXELS, opened.width, opened.height
        ImageOps.exif_transpose(opened, in_place=True)
        if side:
            # Palettes cannot be resized, and sixteen bits would be clipped.
            small = rgb(opened) if opened.mode[0] in "I1P" else opened
            small.thumbnail((side, side))
            return small
        return opened


def rgb(image: "Image.Image") -> "Image.Image":
    """Sixteen bits scaled, on white where it is transparent."""
    from PIL import Image

    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey at 255 when it converts, so scale first.
        scaled = image.convert("I").point(lambda value: value * _SCALE + _OFFSET)
        return scaled.convert("L").convert("RGB")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB")


def _receive(length: int, at_an_end: bool = False) -> bytearray:
    """Exactly that many bytes. Empty `at_an_end`; elsewhere an end is the end of the program."""
    data = bytearray(length)
    view = memoryview(data)
    read = 0
    while read < length:
        count = os.readv(_SOCKET, [view[read:]])
        if not count:
            if at_an_end and not read:
                return bytearray()
            sys.exit()
        read += count
    return data


def _send(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(_SOCKET, view) :]


if __name__ == "__main__":
    sys.path += sys.argv[4:]  # behind Python's own, so that nothing there takes their place
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
