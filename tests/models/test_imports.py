import subprocess
import sys
from pathlib import Path

HEAVY = ("tensorflow", "keras", "tf_keras", "deepface", "dlib", "onnxruntime", "mtcnn", "cv2")
OTHER_ROOMS = ("app", "enrollment", "store")


def test_importing_the_room_loads_nothing_heavy_and_no_other_room():
    root = Path(__file__).resolve().parents[2]
    names = sorted(p.stem for p in (root / "models").glob("*.py"))
    # keras_head and head_step are imported where a head is trained, and nowhere else
    names = [name for name in names if name not in ("__init__", "keras_head", "head_step")]
    code = (
        "import importlib, os, sys\n"
        "before = dict(os.environ)\n"
        f"for name in {names!r}: importlib.import_module('models.' + name)\n"
        f"bad = [m for m in {HEAVY + OTHER_ROOMS!r} if m in sys.modules]\n"
        "assert not bad, bad\n"
        "assert dict(os.environ) == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=600)
