"""How much of the processor does each way of embedding faces use? Ours, DeepFace's, others'.

    python -m benchmarks.embedding
    python -m benchmarks.embedding --threads 1 --json embedding.json

VGG-Face with stand-in weights (30.9 GFLOP a face), each way in a process of its own, in turns. A
round measures the machine's peak and then the way; the figure is their ratio. With one thread the
processor's time is counted, with more the clock's, which needs a machine at rest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure, figure, line, write
from benchmarks.limits import Limits
from models.vgg_face import FILE

GFLOP = 30.9  # of one face
PART = "embedding"
WAYS = {
    "rollcall, batch 1": 1,
    "rollcall, batch 8": 8,
    "rollcall, batch 32": 32,
    "DeepFace.represent, one by one": 4,
    "DeepFace.represent, a list of 8": 8,
    "onnxruntime, batch 1": 1,
    "onnxruntime, batch 32": 32,
    "numpy's matrix product": 0,
}
Run = Callable[[np.ndarray], np.ndarray]


def rollcall_way(weights: Path, _threads: int) -> Run:
    from models.backbone import open_backbone

    return open_backbone("vgg-face", weights).embed


def deepface_home(weights: Path) -> None:
    """DeepFace finds these weights; to be called before it is imported."""
    folder = weights / "deepface" / ".deepface" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        (folder / FILE).symlink_to(weights / FILE)
    os.environ["DEEPFACE_HOME"] = str(weights / "deepface")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"


def deepface_way(weights: Path, at_once: int) -> Run:
    """As others use it: nothing of ours tells TensorFlow how to behave."""
    deepface_home(weights)
    from deepface import DeepFace

    def run(crops: np.ndarray) -> np.ndarray:
        pictures = [crop[:, :, ::-1] for crop in crops]
        asked: list[Any] = pictures if at_once == 1 else [pictures]
        rows = []
        for one in asked:
            answers = DeepFace.represent(
                one, model_name="VGG-Face", detector_backend="skip", align=False
            )
            rows += [a["embedding"] if isinstance(a, dict) else a[0]["embedding"] for a in answers]
        return np.asarray(rows, np.float32)

    return run


def onnx_way(weights: Path, threads: int) -> Run:
    import onnxruntime

    from benchmarks.vgg_onnx import write_onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    file = write_onnx(weights)
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(crops: np.ndarray) -> np.ndarray:
        fed = crops[:, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
        rows = session.run(None, {"crops": np.ascontiguousarray(fed)})[0].reshape(len(crops), -1)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    return run


def product_way(_weights: Path, threads: int) -> Run:
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    side = np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32)
    return lambda _: side @ side


def way_of(name: str, weights: Path, threads: int) -> Run:
    if name.startswith("rollcall"):
        return rollcall_way(weights, threads)
    if name.startswith("DeepFace"):
        return deepface_way(weights, 1 if "one by one" in name else 8)
    if name.startswith("onnxruntime"):
        return onnx_way(weights, threads)
    return product_way(weights, threads)


def measure(name: str, weights: Path, threads: int, rounds: int) -> dict[str, Any]:
    """In this process: rounds of (share of peak, seconds a face), and one embedding."""
    size = WAYS[name]
    crops = np.random.default_rng(1).integers(0, 255, (size, 224, 224, 3), np.uint8)
    work = GFLOP * size if size else 2 * 2048**3 / 1e9
    limits, run = Limits(threads), way_of(name, weights, threads)
    first = run(crops)
    shares, seconds = [], []
    for _ in range(rounds):
        before = limits.gflops()
        start = limits.clock()
        run(crops)
        took = limits.clock() - start
        peak = max(before, limits.gflops())
        shares.append(work / took / peak)
        seconds.append(took / max(size, 1))
    status = Path("/proc/self/status").read_text("utf-8")
    peak_memory = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    row = first[0] / np.linalg.norm(first[0])
    return {"shares": shares, "seconds": seconds, "megabytes": peak_memory, "row": row.tolist()}


def in_a_process(name: str, weights: Path, threads: int, rounds: int) -> dict[str, Any] | None:
    command = [
        sys.executable, "-m", "benchmarks.embedding", "--way", name, "--weights", str(weights),
        "--threads", str(threads), "--rounds", str(rounds),
    ]  # fmt: skip
    limited = {
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
    done = subprocess.run(
        command,
        env=os.environ | limited,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        print(f"{name}: not measured ({said[-1] if said else done.returncode})", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(weights: Path, threads: int, rounds: int) -> list[Figure]:
    found = {}
    for name in WAYS:
        began = time.monotonic()
        one = in_a_process(name, weights, threads, rounds)
        if one is not None:
            found[name] = one
            print(
                f"  {name}: {np.median(one['shares']):.2f} of peak, {one['megabytes']:.0f} MB "
                f"({time.monotonic() - began:.0f} s)",
                file=sys.stderr,
            )
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    goals = {"rollcall, batch 1": 0.65, "rollcall, batch 32": 0.80}
    figures = [
        figure(
            PART,
            f"{name}, {on}",
            one["shares"],
            "of peak",
            at_least=goals.get(name),
            note=f"{one['megabytes']:.0f} MB",
        )
        for name, one in found.items()
    ]
    ours = found.get("rollcall, batch 32")
    if ours is None:
        return figures
    for peer, least in (("one by one", 2.2), ("a list of 8", 1.5)):
        theirs = found.get(f"DeepFace.represent, {peer}")
        if theirs is not None:
            rates = [o / t for o, t in zip(ours["shares"], theirs["shares"], strict=True)]
            name = f"rollcall's batches against DeepFace.represent {peer}, {on}"
            figures.append(figure(PART, name, rates, "times", at_least=least))
    own = np.asarray(ours["row"])
    for name, one in found.items():
        if not name.startswith(("rollcall", "numpy")):
            figures.append(
                figure(
                    PART,
                    f"same face, {name}, {on}",
                    [float(own @ one["row"])],
                    "cosine",
                    at_least=0.9999,
                )
            )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--weights", type=Path, help="a folder with VGG-Face's weights")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--way", choices=tuple(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        threads = arguments.threads[0]
        print(json.dumps(measure(arguments.way, arguments.weights, threads, arguments.rounds)))
        return
    print(f"peak by {Limits().measured}, load of the machine before {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        weights = arguments.weights
        if weights is None:
            from benchmarks.stand_in import stand_in_weights

            weights = stand_in_weights(Path(folder))
        figures = [f for t in arguments.threads for f in compare(weights, t, arguments.rounds)]
    for one in figures:
        print(line(one))
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    main()
