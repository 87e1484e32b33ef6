"""A Milvus of the tests' own: `milvus-lite server`, a process with a folder and a port, with a
client beside ours, and a way there that can be slow, silent or cut.
"""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class Milvus:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["-m", "milvus_lite", "server", "--data-dir", str(self.folder / "milvus")]
        words += ["--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert time.monotonic() < until, "milvus-lite does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """One that Rollcall knows nothing of."""
        from pymilvus import MilvusClient

        made = MilvusClient(self.url, timeout=10, dedicated=True)
        try:
            yield made
        finally:
            made.close()

    def collections(self) -> list[str]:
        with self.client() as client:
            return sorted(client.list_collections())

    def rows(self, name: str | None = None) -> dict[int, list[float]]:
        """Everything in the one collection that there is, or in this one."""
        with self.client() as client:
            if name is None:
                (name,) = client.list_collections()
            client.load_collection(name)
            found = client.query(
                name, filter="id >= 0", output_fields=["*"], limit=10_000,
                consistency_level="Strong",
            )  # fmt: skip
        return {int(row["id"]): [float(x) for x in row["vector"]] for row in found}

    def delete(self, *ids: int) -> None:
        with self.client() as client:
            (name,) = client.list_collections()
            client.delete(name, ids=list(ids))

    def put(self, rows: dict[int, list[float]]) -> None:
        with self.client() as client:
            (name,) = client.list_collections()
            client.upsert(name, [{"id": i, "vector": row} for i, row in rows.items()])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Milvus]:
    pytest.importorskip("milvus_lite")
    folder.mkdir(parents=True, exist_ok=True)
    made = Milvus(folder)
    made.start()
    try:
        yield made
    finally:
        made.kill()


class Way:
    """A TCP proxy to a port. silent: bytes are taken and none come back."""

    def __init__(self, port: int) -> None:
        self.silent = False
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while some := one.recv(65_536):
                while self.silent:
                    time.sleep(0.02)
                other.sendall(some)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
