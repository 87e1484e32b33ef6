"""Five people on film against a gallery of 303 others: one line for each person who passes.

    python -m benchmarks.passages                              both recognisers, 303 people
    python -m benchmarks.passages --backbone dlib-resnet --people 120
    python -m benchmarks.passages --give-up 8                  as the pages decide

Each person is enrolled from the first two seconds of the film, or from three stills of them, and
must be named rightly in the rest, in one passage. Then each of the five in turn is left out of the
gallery: the others' films are named as before and this one's is unknown. Also prints how often the
backbone ran, how long a decision took, and how many frames a second are followed here, against
embedding every face of every frame.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from app.video import frames
from benchmarks.split import SHARED, retail_backbone, split, yunet
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee, gather
from enrollment.opening import create
from enrollment.passage import Frame, Passage, PassagePolicy
from enrollment.photo import encode_jpeg, photo_bytes
from enrollment.service import Service, open_service

CLIPS = SHARED / "faces" / "clips"
LEARNT_FROM = 2.0  # s
VARIANTS = ("film", "three stills")


@dataclass
class Tally:
    right: int = 0
    wrong_name: int = 0
    unknown: int = 0
    extra_lines: int = 0
    stranger_named: int = 0
    strangers: int = 0
    films: int = 0
    seconds: list[float] = field(default_factory=list)
    embedded: list[int] = field(default_factory=list)
    frames: int = 0
    spent: float = 0.0

    def say(self, title: str) -> None:
        print(
            f"{title}: {self.films} films of enrolled people: {self.right} named rightly, "
            f"{self.wrong_name} by another name, {self.unknown} unknown, {self.extra_lines} lines "
            f"too many; {self.strangers} films of people left out: {self.stranger_named} named"
        )
        print(
            f"  seconds to decision: median {np.median(self.seconds):.2f}, "
            f"worst {max(self.seconds):.2f}; backbone calls a passage: "
            f"median {np.median(self.embedded):.0f}, most {max(self.embedded)}; "
            f"{self.frames / self.spent:.1f} frames a second followed",
            flush=True,
        )


def start(clip: Path, variant: str) -> Enrollee:
    """The person as enrolled from the beginning of the film."""
    shots = [f for f in frames(clip, a_second=5) if f.seconds < LEARNT_FROM]
    if variant == "three stills":
        shots = [shots[0], shots[len(shots) // 2], shots[-1]]
    photos = (photo_bytes(f"{clip.stem}-{f.number}.jpg", encode_jpeg(f.image)) for f in shots)
    return Enrollee(clip.stem, None, tuple(photos))


def rest(clip: Path) -> Iterator[Frame]:
    return (f for f in frames(clip, a_second=10) if f.seconds >= LEARNT_FROM)


def pass_by(service: Service, clip: Path, tally: Tally, policy: PassagePolicy) -> list[Passage]:
    shots = list(rest(clip))
    began = time.monotonic()
    passages = service.passages(clip.name, policy)
    found = [p for shot in shots for p in passages.see(shot)] + passages.end()
    tally.spent += time.monotonic() - began
    tally.frames += len(shots)
    return found


def judge(found: list[Passage], who: str, enrolled: bool, tally: Tally) -> None:
    names = [p.answer.name for p in found if p.answer.name is not None]
    tally.films += enrolled
    tally.strangers += not enrolled
    tally.extra_lines += max(len(found) - 1, 0)
    if enrolled:
        tally.right += who in names
        tally.wrong_name += any(name != who for name in names)
        tally.unknown += not names
        tally.seconds += [p.seconds_to_decision for p in found if p.answer.name == who]
    else:
        tally.stranger_named += bool(names)
    tally.embedded += [p.embedded for p in found]


def say(found: list[Passage], clip: Path, note: str) -> None:
    for p in found:
        answer = p.answer
        score = "no score" if answer.score is None else f"{answer.score:.3f}"
        print(
            f"  {clip.stem:4} {note:12} {answer.decision:8} {answer.name or '-':5} {score}  "
            f"{p.frames:3} frames until then, {p.embedded} embedded, {p.set_aside} set aside, "
            f"{p.seconds_to_decision:.2f} s",
            flush=True,
        )


def slow_way(service: Service, clip: Path) -> float:
    """Frames a second when every face of every frame is embedded."""
    shots = list(rest(clip))
    began = time.monotonic()
    for shot in shots:
        service.identify_image(shot.image, clip.name, shot.number)
    return len(shots) / (time.monotonic() - began)


def measure(
    backbone: str, people: int, folder: Path, clips: list[Path], policy: PassagePolicy
) -> None:
    gallery, _ = split(folder / "split", 3, people)
    spec = retail_backbone(folder) if backbone == "retail-0095" else backbone
    base = Settings(
        home=folder / "base", key="00" * 32, key_folder=folder / "keys", detector=yunet()
    )
    create(base, spec, consent_policy="none")
    with open_service(base) as service:
        list(service.enroll(gather([gallery]), None, allow_collision))
    for variant in VARIANTS:
        home = folder / variant.replace(" ", "-")
        shutil.copytree(base.home, home)
        with open_service(replace(base, home=home, key_folder=home)) as service:
            staff = [start(clip, variant) for clip in clips]
            for report in service.enroll(staff, None, allow_collision):
                assert report.succeeded, report
            point = service.operating_point()
            print(f"\n{backbone}, from {variant}: threshold {point.threshold:.3f}, {point.promise}")
            tally = Tally()
            for clip in clips:
                found = pass_by(service, clip, tally, policy)
                say(found, clip, "enrolled")
                judge(found, clip.stem, True, tally)
            for absent in clips:
                service.suspend(absent.stem)
                service.operating_point()
                for clip in clips:
                    found = pass_by(service, clip, tally, policy)
                    if clip == absent:
                        say(found, clip, "left out")
                    judge(found, clip.stem, clip != absent, tally)
                service.resume(absent.stem)
            tally.say(f"{backbone}, from {variant}")
            slow = slow_way(service, clips[0])
            one = Tally()
            pass_by(service, clips[0], one, policy)
            print(
                f"  {one.frames / one.spent / slow:.1f} times as many as with every face embedded"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", choices=["retail-0095", "dlib-resnet"], action="append")
    parser.add_argument("--people", type=int, default=303)
    parser.add_argument("--give-up", type=int, help="as PassagePolicy.give_up")
    arguments = parser.parse_args()
    clips = sorted(CLIPS.glob("*.mp4"))
    if not clips:
        sys.exit(f"the clips are not here: {CLIPS}")
    for backbone in arguments.backbone or ["retail-0095", "dlib-resnet"]:
        with tempfile.TemporaryDirectory() as name:
            policy = PassagePolicy(give_up=arguments.give_up)
            measure(backbone, arguments.people, Path(name), clips, policy)


if __name__ == "__main__":
    main()
