"""Group photos against a gallery of 303 people: every face has a line; prints who is named.

Two of the photos show Angelina Jolie, who is in the gallery: naming her is right.

    python -m benchmarks.groups                  both backbones
    python -m benchmarks.groups dlib-resnet
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.split import GROUPS, retail_backbone, split, yunet


def rollcall(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "app.cli", *arguments, "--home", str(home), "--json"]
    environment = os.environ | {"ROLLCALL_DETECTOR": yunet(), "ROLLCALL_KEY": "00" * 32}
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE
    ).stdout.decode()


def main() -> None:
    if not GROUPS.is_dir():
        sys.exit(f"the group photos are not here: {GROUPS}")
    for backbone in sys.argv[1:] or ("retail-0095", "dlib-resnet"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            gallery, _ = split(folder / "split")
            spec = retail_backbone(folder) if backbone == "retail-0095" else backbone
            rollcall(folder / "g", "init", "--backbone", spec, "--consent-policy", "none")
            enrolled = json.loads(
                rollcall(folder / "g", "enroll", str(gallery), "--on-collision", "allow")
            )
            lines = [
                json.loads(line)
                for line in rollcall(folder / "g", "identify", str(GROUPS)).splitlines()
            ]
        named = [line for line in lines if line["decision"] == "known"]
        print(f"{backbone}: {enrolled['accepted']} photos enrolled")
        for photo in sorted({line["source"] for line in lines}):
            faces = [line for line in lines if line["source"] == photo]
            best = max(line["score"] or -1 for line in faces)
            print(f"  {Path(photo).name}: {len(faces)} faces, best score {best:.3f}")
        print(f"  {len(lines)} faces, {len(named)} named {[line['name'] for line in named]}")


if __name__ == "__main__":
    main()
