"""A stolen disk: is any template, crop or photo on it that can be read without the key?

    python -m benchmarks.leaks --people 334
    python -m benchmarks.leaks --people 20 --plant        the control: must fail

People are enrolled with tests/tiny.py; then database and -wal, anchors, temporary files, what was
said, heads, reports and backups are searched for each known template (float32, float16, float64,
other byte order, hex, base64, JSON), crop, face and photo, and for names outside the database and
the reports. Then some are erased, and whatever still opens with the key, and all files but backups,
are searched for them again. Names are plain in database and reports: counted, not failed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.faults.damage import bound
from tests.faults.leaks import Finder, Needle, names_of, opened, scan, scene

KINDS = ("template", "crop", "face", "photo")
PLAIN = ("gallery/gallery.db", "gallery/reports/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=334, help="with three photos each")
    parser.add_argument("--erase", type=int, help="of them; a tenth")
    parser.add_argument("--plant", action="store_true", help="write one template into a log")
    options = parser.parse_args()
    erase = options.erase or max(options.people // 10, 1)
    with tempfile.TemporaryDirectory() as name, scene(Path(name), options.people) as here:
        if options.plant:
            (vector,) = here.service._gallery.vectors_of([next(iter(here.names))])[:1]
            (here.folder / "logs" / "planted").write_bytes(b"log: " + np.asarray(vector).tobytes())
        finder = Finder(here.needles)
        kinds = {k: sum(n.kind == k for n in here.needles) for k in KINDS}
        hits = scan(finder, here.places)
        found = sum(sum(one.values()) for one in hits.values())
        print(f"{len(here.names)} people; looked for {kinds} in {len(hits)} files")
        for file, one in hits.items():
            if one:
                print(f"    {file}: {dict(one)}")
        of_each = sum(kinds.values())
        print(f"without the key: {found} hits (95 % bound {bound(found, of_each):.4%} a needle)")
        names = {f: sum(c.values()) for f, c in scan(names_of(here), here.places).items() if c}
        elsewhere = {f: n for f, n in names.items() if not f.startswith(PLAIN)}
        print(f"names in database and reports (plain, by design): {names}; elsewhere: {elsewhere}")
        gone = list(here.names)[:erase]
        control = sum(1 for content in opened(here).values() for _ in finder.found_in(content))
        print(f"with the key, before an erasure (the control): {control} hits")
        for subject_id in gone:
            here.service.erase(subject_id)
        whose = set(gone)
        erased = Finder(
            [needle for needle in here.needles if needle.whose in whose]
            + [Needle("name", "text", s, here.names[s].encode()) for s in gone]
        )
        plain = opened(here)
        files = [p for place in here.places for p in place.rglob("*") if p.is_file()]
        live = [p for p in files if p.parent.name != "backups"]
        contents = [*plain.values(), *(path.read_bytes() for path in live)]
        left = sum(1 for content in contents for _ in erased.found_in(content))
        print(
            f"{len(gone)} erased: {left} hits of theirs in {len(plain)} rows and files that open "
            f"with the key, and in {len(live)} files as they are ({len(erased)} needles)"
        )
    sys.exit(bool(found or left or elsewhere or not control))


if __name__ == "__main__":
    main()
