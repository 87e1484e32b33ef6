"""A pool of workers without a cluster: what is wrong with the first word of a worker."""

import threading
from types import ModuleType, SimpleNamespace

import pytest

from enrollment.errors import Unusable
from enrollment.ray_pool import Account, Pool
from enrollment.ray_worker import Greeting


class _LostError(Exception):
    pass


class _Actor:
    """Whatever is asked of it, it can be asked for more."""

    def __getattr__(self, name: str) -> "_Actor":
        return self

    def remote(self, *_: object) -> "_Actor":
        return self


class _Ray(ModuleType):
    """As much of Ray as a greeting needs; workers greet with a key that is none."""

    exceptions = SimpleNamespace(RayError=_LostError, RayTaskError=_LostError)

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 4, "memory": 2**40}

    def remote(self, _: object) -> object:
        return SimpleNamespace(options=lambda **_: _Actor())

    def get(self, _: object, timeout: float | None = None) -> Greeting:
        return Greeting(1, bytes(32))

    def kill(self, _: object) -> None:
        pass


def test_a_worker_that_greets_nonsense_is_not_waited_for() -> None:
    pool = Pool(_Ray("ray"), None, None, lambda _: None, Account(), 1, 0)
    ended: list[Exception] = []

    def wait() -> None:
        try:
            pool.wait()
        except Unusable as error:
            ended.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(30)
    assert ended
    with pytest.raises(Unusable, match="cannot start"):
        raise ended[0]
