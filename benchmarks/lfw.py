"""Accuracy on real photos, as `rollcall evaluate` prints it, for two backbones and two detectors.

    python -m benchmarks.lfw                       all four, about half an hour on 2 cores
    python -m benchmarks.lfw --backbone retail-0095 --detector yunet

303 people of LFW, three photos each enrolled, 1,428 other photos searched for, and 600 strangers.
The threshold comes from the gallery and the cohort: the shipped one for dlib-resnet, one made of
the other 600 strangers for retail-0095. Bounds are exact 95 % intervals.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.split import (
    STRANGERS,
    cohort_strangers,
    linked,
    retail_backbone,
    split,
    test_strangers,
    yunet,
)

GOALS = {
    "retail-0095": {"rank1": 0.997, "tpir": 0.99},
    "dlib-resnet": {"rank1": 0.98, "tpir": 0.935},
}


def evaluate(backbone: str, detector: str, folder: Path, max_fpir: float) -> dict[str, object]:
    gallery, mated = split(folder / "split")
    strangers = linked(test_strangers(), folder / "strangers")
    spec = retail_backbone(folder) if backbone == "retail-0095" else backbone
    environment = os.environ | {"ROLLCALL_DETECTOR": yunet() if detector == "yunet" else detector}
    command = [
        sys.executable, "-m", "app.cli", "evaluate", "--json", "--backbone", spec,
        "--gallery", str(gallery), "--mated", str(mated), "--nonmated", str(strangers),
        "--max-fpir", str(max_fpir),
    ]  # fmt: skip
    if backbone == "retail-0095":
        command += ["--strangers", str(linked(cohort_strangers(), folder / "cohort"))]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", choices=GOALS, action="append")
    parser.add_argument("--detector", choices=["yunet", "mtcnn"], action="append")
    parser.add_argument("--max-fpir", type=float, default=0.01)
    parser.add_argument("--json", type=Path, help="also write the documents here")
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    documents = []
    for backbone in arguments.backbone or GOALS:
        for detector in arguments.detector or ["yunet", "mtcnn"]:
            with tempfile.TemporaryDirectory() as folder:
                found = evaluate(backbone, detector, Path(folder), arguments.max_fpir)
            documents.append(found)
            print(f"\n{backbone}, {detector}:", flush=True)
            for key in (
                "n_subjects", "n_mated", "n_nonmated", "failure_to_enroll",
                "failure_to_enroll_photos", "failure_to_acquire", "rank1", "rank1_interval_95",
                "threshold", "promise", "fpir", "fpir_interval_95", "tpir", "tpir_interval_95",
                "seconds",
            ):  # fmt: skip
                print(f"  {key:26} {found[key]}")
            goal = GOALS[backbone]
            print(
                f"  goals: rank1 >= {goal['rank1']}, tpir >= {goal['tpir']}, fpir interval holds "
                f"or is below {arguments.max_fpir}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(documents, indent=1), "utf-8")


if __name__ == "__main__":
    main()
