"""The clients of `benchmarks.load`: locust, whose gevent must have a process to itself.

python -m benchmarks.load_clients WORK.json OUT.json PORT CLIENTS SECONDS
"""

import base64
import itertools
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant, task
from locust.env import Environment

BOUNDARY = "photo"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PATIENCE = 60.0  # seconds that an answer may take


def form(photo: bytes) -> bytes:
    head = 'Content-Disposition: form-data; name="photo"; filename="probe.jpg"'
    edge = f"--{BOUNDARY}"
    return (
        f"{edge}\r\n{head}\r\nContent-Type: image/jpeg\r\n\r\n".encode()
        + photo
        + f"\r\n{edge}--\r\n".encode()
    )


def main() -> None:
    work, out, port, clients, seconds = sys.argv[1:]
    given = json.loads(Path(work).read_text("utf-8"))
    shown = [(name, form(base64.b64decode(photo))) for name, photo in given["photos"]]
    keys, numbers = iter(given["keys"]), itertools.count()
    milliseconds: list[float] = []
    errors: list[str] = []
    last = time.monotonic()

    class Client(FastHttpUser):
        """One key; asks again as soon as it is answered."""

        host = f"http://127.0.0.1:{port}"
        wait_time = constant(0)
        network_timeout = connection_timeout = PATIENCE

        def on_start(self) -> None:
            self.headers = {"Authorization": f"Bearer {next(keys)}", "Content-Type": TYPE}

        @task
        def ask(self) -> None:
            nonlocal last
            name, body = shown[next(numbers) % len(shown)]
            began = time.monotonic()
            with self.client.post(
                "/api/v1/identify", data=body, headers=self.headers, catch_response=True
            ) as answer:
                last = time.monotonic()
                wrong = trouble(answer, name)
                if wrong is not None:
                    errors.append(wrong)
                    answer.failure(wrong)
                    return
                milliseconds.append((last - began) * 1000)
                answer.success()

    asking = Environment(user_classes=[Client], stop_timeout=PATIENCE)
    runner = asking.create_local_runner()
    began = time.monotonic()
    runner.start(int(clients), spawn_rate=int(clients))
    gevent.signal_handler(signal.SIGINT, runner.quit)
    gevent.spawn_later(float(seconds), runner.quit)
    runner.greenlet.join()
    found = {"milliseconds": milliseconds, "errors": errors, "seconds": last - began}
    Path(out).write_text(json.dumps(found), "utf-8")


def trouble(answer: Any, name: str) -> str | None:  # noqa: ANN401 - locust's
    if answer.status_code != 200:
        return f"{answer.status_code}: {(answer.text or str(answer.error))[:200]}"
    named = [face["name"] for face in json.loads(answer.text)["faces"]]
    return None if named == [name] else f"{named} instead of {name}"


if __name__ == "__main__":
    main()
