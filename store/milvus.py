"""A gallery's collection in Milvus: turned vectors by template id, and nothing else.

Every call has a deadline and ends as IndexAway where nothing came back; what came back is only
looked at for its form here, and believed by nobody: see `milvus_index.py`.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from store.errors import IndexAway, IndexDamaged, StoreError
from wording.message import message

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Value = TypeVar("Value")
Hits = list[tuple[int, float]]
AT_ONCE = 1_000  # rows to a message: 16 MB of 4,096 numbers, and Milvus takes 64
MOST = 16_384  # hits that Milvus gives
_ASK_SECONDS = 5.0
_WRITE_SECONDS = 30.0
_PAUSE = 2.0  # seconds after a failure in which nobody waits for another one
_PREFIX = "rollcall_"
_STRONG = {"consistency_level": "Strong"}


class MilvusCollection:
    """Of one gallery and secret: another key or backbone makes another one.

    Args:
        url: as `check_url` takes it.
        dimension: of the rows.
    """

    def __init__(self, url: str, gallery_id: str, secret: bytes, dimension: int) -> None:
        self._url = url
        self._dimension = dimension
        self._family = f"{_PREFIX}{gallery_id.replace('-', '')}_"
        self.name = self._family + hashlib.sha256(b"name" + secret).hexdigest()[:16]
        self._client: MilvusClient | None = None
        self._ready = False
        self._refused_until = 0.0
        self.opened = 0  # how often: what was known of it before counts no more

    @property
    def place(self) -> str:
        return place_of(self._url)

    def close(self) -> None:
        client, self._client, self._ready = self._client, None, False
        if client is not None:
            client.close()

    def open(self, anew: bool = False) -> None:
        """See that it is there and ours, and that no older one of this gallery is.

        Args:
            anew: one that is not as ours are is thrown away first.

        Raises:
            IndexAway, IndexDamaged
        """
        if not self._ready:
            self._ask(lambda client: self._open(client, anew))
            self._ready = True
            self.opened += 1

    def _open(self, client: "MilvusClient", anew: bool) -> None:
        for other in client.list_collections(timeout=_ASK_SECONDS):
            if other.startswith(self._family) and other != self.name:
                client.drop_collection(other, timeout=_WRITE_SECONDS)
        there = client.has_collection(self.name, timeout=_ASK_SECONDS)
        if there and not self._is_ours(client):
            if not anew:
                raise self.damaged(message("its fields are not those that Rollcall makes"))
            client.drop_collection(self.name, timeout=_WRITE_SECONDS)
            there = False
        if not there:
            self._create(client)
        client.load_collection(self.name, timeout=_WRITE_SECONDS)

    def _is_ours(self, client: "MilvusClient") -> bool:
        found = client.describe_collection(self.name, timeout=_ASK_SECONDS)
        fields = {field["name"]: field for field in found["fields"]}
        if set(fields) != {"id", "vector"} or not fields["id"].get("is_primary"):
            return False
        return bool(fields["vector"]["params"].get("dim") == self._dimension)

    def _create(self, client: "MilvusClient") -> None:
        from pymilvus import DataType

        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
        index = client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="IP")
        client.create_collection(
            self.name, schema=schema, index_params=index, timeout=_WRITE_SECONDS, **_STRONG
        )

    def drop(self) -> None:
        """Take it and every older one of this gallery away."""
        self._ask(self._drop)
        self._ready = False

    def _drop(self, client: "MilvusClient") -> None:
        for name in client.list_collections(timeout=_ASK_SECONDS):
            if name.startswith(self._family):
                client.drop_collection(name, timeout=_WRITE_SECONDS)

    def ids(self) -> set[int]:
        return self._ask(self._ids)

    def _ids(self, client: "MilvusClient") -> set[int]:
        found = set[int]()
        rows = client.query_iterator(
            self.name, batch_size=10_000, output_fields=["id"], timeout=_WRITE_SECONDS, **_STRONG
        )
        try:
            while some := rows.next():
                found.update(int(row["id"]) for row in some)
        finally:
            rows.close()
        return found

    def count(self) -> int:
        found = self._ask(
            lambda client: client.query(
                self.name, filter="", output_fields=["count(*)"], timeout=_ASK_SECONDS, **_STRONG
            )
        )
        return int(found[0]["count(*)"])

    def among(self, ids: Sequence[int]) -> set[int]:
        """Which of these are there."""
        found = set[int]()
        for some in _chunks(ids):
            found.update(int(row["id"]) for row in self._get(some, ["id"]))
        return found

    def rows(self, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """Of these, as far as they are there; each (dimension,)."""
        return {
            int(row["id"]): np.asarray(row["vector"], np.float32)
            for some in _chunks(ids)
            for row in self._get(some, ["id", "vector"])
        }

    def _get(self, ids: Sequence[int], fields: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask(
            lambda client: client.get(
                self.name, ids=list(ids), output_fields=fields, timeout=_ASK_SECONDS, **_STRONG
            )
        )
        return found

    def put(self, ids: Sequence[int], rows: NDArray[np.float32]) -> None:
        """Write these, also over what has their ids."""
        for some in _chunks(range(len(ids))):
            data = [{"id": ids[i], "vector": rows[i]} for i in some]
            self._ask(partial(self._put, data))

    def delete(self, ids: Sequence[int]) -> None:
        """Raises IndexDamaged where they are still given afterwards."""
        for some in _chunks(ids):
            self._ask(partial(self._delete, some))
        if ids and self.among(ids):
            raise self.damaged(message("it gives rows that were deleted"))

    def _put(self, data: list[dict[str, Any]], client: "MilvusClient") -> None:
        client.upsert(self.name, data, timeout=_ASK_SECONDS, retry_on_rate_limit=False)

    def _delete(self, ids: Sequence[int], client: "MilvusClient") -> None:
        client.delete(self.name, ids=list(ids), timeout=_WRITE_SECONDS)

    def settle(self) -> None:
        """Ask it to bring rows from memory into its files, and to write those anew that hold
        deleted ones. Whether and when it does so is its own affair: some allow it every ten seconds
        only."""
        self._ask(self._settle)

    def _settle(self, client: "MilvusClient") -> None:
        for deed in (client.flush, client.compact):
            with suppress(Exception):
                deed(self.name, timeout=_ASK_SECONDS, retry_on_rate_limit=False)

    def search(self, rows: NDArray[np.float32], count: int) -> list[Hits]:
        """What Milvus holds for the `count` nearest of each row, with its scores.

        Raises:
            IndexDamaged: the answer has not the form of one.
        """
        found = self._ask(
            lambda client: client.search(
                self.name,
                data=list(rows),
                limit=count,
                output_fields=["id"],
                search_params={"metric_type": "IP"},
                timeout=_ASK_SECONDS,
                **_STRONG,
            )
        )
        try:
            hits = [[(int(one["id"]), float(one["distance"])) for one in some] for some in found]
        except (KeyError, TypeError, ValueError) as error:
            raise self.damaged(message("its answer cannot be read")) from error
        for some in hits:
            if len({i for i, _ in some}) < len(some) or len(some) > count:
                raise self.damaged(message("it gives a row twice, or more than were asked for"))
            if not np.isfinite([score for _, score in some]).all():
                raise self.damaged(message("it gives scores that are no numbers"))
        if len(hits) != len(rows):
            raise self.damaged(message("its answer cannot be read"))
        return hits

    def damaged(self, why: str) -> IndexDamaged:
        """What is known of it counts no more: the next `open` is another one."""
        self._ready = False
        return IndexDamaged(
            message(
                "the index in Milvus at {place} is not what it should be: {why}; nobody is named "
                "by it. It is compared with the database before the next answer; where this stays, "
                "run: rollcall rebuild",
                place=self.place,
                why=why,
            )
        )

    def _ask(self, question: Callable[["MilvusClient"], Value]) -> Value:
        if time.monotonic() < self._refused_until:
            raise self._away(message("it has just failed to"))
        try:
            if self._client is None:
                self._client = _connect(self._url)
            return question(self._client)
        except StoreError:
            self._ready = False
            raise
        except Exception as error:  # of pymilvus, gRPC, or what they make of a wrong answer
            self._ready = False
            self._refused_until = time.monotonic() + _PAUSE
            with_client, self._client = self._client, None
            if with_client is not None:
                with_client.close()
            raise self._away(_said(error)) from error

    def _away(self, why: str) -> IndexAway:
        return IndexAway(
            message(
                "Milvus at {place} does not answer ({why}), and without it nobody can be "
                "recognised; nothing that was confirmed is lost. See to it; what waits goes on by "
                "itself",
                place=self.place,
                why=why,
            )
        )


def check_url(url: str) -> None:
    """Raises StoreError unless it is http(s)://[USER:PASSWORD@]HOST:PORT[/DATABASE] or, for Milvus
    Lite, a path that ends in .db."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port
        right = right and not (parts.query or parts.fragment or "@" in parts.path)
    except ValueError:
        right = None
    if not right and ("://" in url or "@" in url or not url.endswith(".db")):
        raise StoreError(
            message(
                "the index is https://HOST:PORT of a Milvus, or FILE.db for Milvus Lite in this "
                "process"
            )
        )


def place_of(url: str) -> str:
    """For people to read, without a password."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.hostname else url.rpartition("@")[2]
    except ValueError:  # a part of a password may be in its words
        return "?"


def _connect(url: str) -> "MilvusClient":
    check_url(url)
    try:
        from pymilvus import MilvusClient
    except ModuleNotFoundError as error:
        raise StoreError(message("Milvus needs its client: pip install 'pymilvus>=3'")) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it prints whole tracebacks
    parts = urlsplit(url)
    if not parts.hostname:
        return MilvusClient(url, timeout=_ASK_SECONDS, dedicated=True)
    return MilvusClient(
        f"{parts.scheme}://{_host(parts.hostname)}:{parts.port}",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        db_name=parts.path.strip("/"),
        timeout=_ASK_SECONDS,
        dedicated=True,
    )


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _said(error: Exception) -> str:
    """A server's words, short and harmless to print."""
    said = "".join(c if c.isascii() and c.isprintable() else " " for c in str(error))
    return f"{type(error).__name__}: {said[:160]}"


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(values), AT_ONCE):
        yield values[begin : begin + AT_ONCE]
