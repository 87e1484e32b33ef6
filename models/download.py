"""A large file from the web, resumed where it broke off, checked before it takes its name."""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from disk.whole_file import sync_folder
from models.errors import ModelError, WeightsDamaged, WeightsMissing
from models.weights import Progress
from wording.message import joined, message, words_of

CONNECT_TIMEOUT = 5.0  # s
READ_TIMEOUT = 30.0  # s without a byte
CHUNK = 1 << 20  # bytes
TRIES = 3  # for each address, as long as the connection breaks
SPARE = 64 << 20  # bytes that stay free on the disk


def download(
    urls: Sequence[str],
    target: Path,
    check: Callable[[Path], None],
    progress: Progress | None = None,
) -> Path:
    """Fetch `target` from the first of `urls` that gives a file which passes `check`.

    What came so far is kept in `target.part` and resumed (HTTP Range with If-Range), also by a
    later run. `check` gets the `.part` file and raises WeightsDamaged; only then is it renamed, in
    one step. progress: called with the bytes done and in all (0: not known). Raises WeightsMissing
    in one line when no address serves the file, WeightsDamaged when what came is not it.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsMissing(
            message("{folder} cannot be made ({error})", folder=target.parent, error=error.strerror)
        ) from error
    part = target.with_name(target.name + ".part")
    trouble: list[ModelError] = []
    with _alone(part):
        for url in urls:
            try:
                _fetch(url, part, progress)
                check(part)
            except WeightsDamaged as error:
                _forget(part)
                trouble.append(
                    WeightsDamaged(
                        message("{url} gave another file: {error}", url=url, error=words_of(error))
                    )
                )
            except WeightsMissing as error:
                trouble.append(error)
            else:
                _finish(part, target)
                return target
    kind = WeightsDamaged if any(isinstance(e, WeightsDamaged) for e in trouble) else WeightsMissing
    if not trouble:
        raise kind(message("no address is known"))
    raise kind(joined([words_of(error) for error in trouble]))


def _fetch(url: str, part: Path, progress: Progress | None) -> None:
    """`part`, complete. Raises WeightsMissing."""
    for attempt in range(1, TRIES + 1):
        before = _size(part)
        try:
            _transfer(url, part, progress)
            return
        except _StartAgainError:
            _forget(part)
        except (urllib.error.HTTPError, urllib.error.URLError) as error:
            reason = getattr(error, "reason", None) or error
            raise WeightsMissing(
                message("{url} cannot be reached ({reason})", url=url, reason=str(reason))
            ) from error
        except (OSError, http.client.HTTPException) as error:
            if attempt == TRIES or _size(part) <= before:
                raise WeightsMissing(
                    message(
                        "{url} broke off after {size:,} bytes ({error}"
                        "): run it again, it goes on from there",
                        url=url,
                        size=_size(part),
                        error=str(error or type(error).__name__),
                    )
                ) from error
    raise WeightsMissing(message("{url} does not serve the file in one piece", url=url))


class _StartAgainError(Exception):
    """What is in the `.part` file does not belong to what the server has."""


def _transfer(url: str, part: Path, progress: Progress | None) -> None:
    request = urllib.request.Request(_web(url), headers={"Accept-Encoding": "identity"})  # noqa: S310
    done = _resume(request, url, part)
    try:
        response = _opener().open(request, timeout=CONNECT_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and done:
            raise _StartAgainError from error
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            done = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise _StartAgainError
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else 0
        _room(part, total - done)
        _origin(part).write_text(f"{url}\n{response.headers.get('ETag', '')}\n", encoding="utf-8")
        with part.open("ab" if done else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
            file.flush()
            os.fsync(file.fileno())
    if total and done != total:
        raise ConnectionError(f"{done:,} of {total:,} bytes came")


def _resume(request: urllib.request.Request, url: str, part: Path) -> int:
    """Ask for the rest, if the first part is known to be of the same file; bytes there are."""
    done = _size(part)
    try:
        origin, etag = _origin(part).read_text(encoding="utf-8").splitlines()[:2]
    except (OSError, ValueError):
        return 0
    if not done or origin != url or not etag or etag.startswith("W/"):
        return 0
    request.add_header("Range", f"bytes={done}-")
    request.add_header("If-Range", etag)
    return done


def _web(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise WeightsMissing(message("{url} is not a web address", url=url))
    return url


def _room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed + SPARE > free:
        raise WeightsMissing(
            message(
                "{folder} has {free} MB free and {needed} MB are needed",
                folder=part.parent,
                free=free >> 20,
                needed=(needed + SPARE) >> 20,
            )
        )


def _finish(part: Path, target: Path) -> None:
    part.replace(target)
    _origin(part).unlink(missing_ok=True)
    sync_folder(target.parent)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _origin(part).unlink(missing_ok=True)


def _origin(part: Path) -> Path:
    """Beside the `.part` file: its address and the server's ETag."""
    return part.with_name(part.name + ".from")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """One download of a file at a time, across processes; the lock goes with its process."""
    lock: IO[bytes]
    path = part.with_name(part.name + ".lock")
    with path.open("wb") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(lock, path):  # its holder finished, and removed it, just now
                raise BlockingIOError
        except ImportError:
            pass  # no such lock on this system
        except OSError as error:
            raise WeightsMissing(
                message("another process is downloading {name} now: wait for it", name=part.name)
            ) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_at(file: IO[bytes], path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


class _Http(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_TIMEOUT)


class _Https(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_TIMEOUT)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Http, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Https, req)


def _opener() -> urllib.request.OpenerDirector:
    """urllib's own, but patient once it is connected."""
    return urllib.request.build_opener(_HttpHandler, _HttpsHandler)
