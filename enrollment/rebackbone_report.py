"""The report of a move to another backbone: how the two differ, on one page and as JSON.

It is written before anything is moved. The page stands alone, as that of a night does.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from enrollment.backbone_agreement import Agreement, Side
from enrollment.report_page import (
    Html,
    Inside,
    bdi,
    facts,
    folded,
    joined,
    page,
    section,
    small,
    table,
    tag,
)
from store.archive import Archive

if TYPE_CHECKING:
    from enrollment.rebackbone import Prepared

_PRIVATE = (
    "This page holds names of people: keep it as safe as the gallery itself. It loads nothing from "
    "anywhere. The same numbers are in the JSON file beside it."
)
_ODD = 0.95  # below this median cosine kept photos are not what was enrolled


def write(
    prepared: "Prepared", archive: Archive, place: str, now: datetime, run_id: str
) -> list[str]:
    """Gives the names of the files, page first."""
    document = document_of(prepared) | {
        "gallery": place,
        "made_at": now.isoformat(timespec="seconds"),
    }
    name = f"rebackbone-{now.date().isoformat()}-{run_id[:8]}-{prepared.agreement.generation}"
    archive.write_report(f"{name}.html", page_of(prepared, place, now).encode())
    text = json.dumps(document, indent=1, ensure_ascii=False)
    archive.write_report(f"{name}.json", text.encode())
    return [f"{name}.html", f"{name}.json"]


def document_of(prepared: "Prepared") -> dict[str, object]:
    """For the doors and the file; who is in it is named."""
    agreed, names = prepared.agreement, prepared.names
    return {
        "from": prepared.before.backbone,
        "to": prepared.facts.backbone,
        "fingerprint": prepared.facts.fingerprint,
        "dimension": prepared.facts.dimension,
        "back": prepared.back,
        "templates": prepared.templates,
        "faceless": [
            {"subject_id": s, "name": names.get(s), "photos": n}
            for s, n in sorted(prepared.faceless.items())
        ],
        "missing": [{"subject_id": s, "name": names.get(s)} for s in prepared.missing],
        "fidelity": (
            {"lowest": prepared.fidelity[0], "median": prepared.fidelity[1]}
            if prepared.fidelity
            else None
        ),
        "agreement": {
            "max_fpir": agreed.point.max_fpir,
            "before": agreed.before.as_document(),
            "after": agreed.after.as_document(),
            "only_before": agreed.only_before,
            "only_after": agreed.only_after,
            "by_chance": agreed.by_chance,
            "moved": [asdict(m) | {"name": names.get(m.subject_id)} for m in agreed.moved],
            "near_pairs": [
                asdict(pair) | {"names": [names.get(pair.one), names.get(pair.other)]}
                for pair in agreed.near
            ],
            "explanation": agreed.point.explanation,
        },
    }


def page_of(prepared: "Prepared", place: str, now: datetime) -> str:
    title = f"From {prepared.before.backbone} to {prepared.facts.backbone}"
    inside = (
        _verdict(prepared),
        _sides(prepared.agreement),
        _people(prepared),
        _near(prepared),
        _photos(prepared),
        _run(prepared, place, now),
    )
    return page(f"Rollcall: {title}", tag("h1", title), inside, _PRIVATE)


def _verdict(prepared: "Prepared") -> Html:
    agreed = prepared.agreement
    chance = small(
        "How probable so unequal numbers are if both were equally good: "
        f"{agreed.by_chance:.2g} (McNemar's exact test)."
    )
    return section(
        "verdict",
        "Who finds more",
        tag(
            "p",
            f"Of {agreed.after.probes:,} enrolled photos, each left out and searched for among the "
            f"others, {prepared.facts.backbone} finds {agreed.after.found:,} and "
            f"{prepared.before.backbone} {agreed.before.found:,}. {agreed.only_after:,} are found "
            f"by the first alone, {agreed.only_before:,} by the second alone.",
        ),
        tag("p", chance),
    )


def _sides(agreed: Agreement) -> Html:
    sides = agreed.before, agreed.after

    def row(name: str, definition: str, cells: Sequence[str]) -> Sequence[Inside]:
        return [joined(tag("span", name), small(definition)), *cells]

    return section(
        "sides",
        "The two, measured on the same photos",
        table(
            "Both backbones",
            ["Measure", *(side.backbone for side in sides)],
            [
                row("Numbers a face", "", [f"{s.dimension:,}" for s in sides]),
                row(
                    "Right person is best",
                    "rank-1 as it is served: head and index agree",
                    [_share(s.right, s.probes) for s in sides],
                ),
                row(
                    "Found",
                    f"at a threshold that names at most {agreed.point.max_fpir:.2%} of strangers",
                    [_share(s.found, s.probes) for s in sides],
                ),
                row("Threshold", "of the score", [f"{s.threshold:.3f}" for s in sides]),
                row(
                    "Strangers named",
                    "every subject in turn left out; upper bound of the 95 % interval",
                    [_strangers(s) for s in sides],
                ),
                row("Promise", "", [s.promise.replace("_", " ") for s in sides]),
                row(
                    "Pairs that look alike",
                    "named apart by a margin",
                    [f"{s.near_pairs:,}" for s in sides],
                ),
                row(
                    "Seconds a face",
                    "aligning and embedding kept photos, in this run",
                    [_seconds(s) for s in sides],
                ),
            ],
            class_="pairs",
        ),
    )


def _people(prepared: "Prepared") -> Html:
    agreed, names = prepared.agreement, prepared.names
    rows = [
        [bdi(names.get(m.subject_id, m.subject_id)), f"{m.before} of {m.photos}",
         f"{m.after} of {m.photos}"]
        for m in agreed.moved
    ]  # fmt: skip
    if not rows:
        return section("people", "People", tag("p", "Both find the same photos of everybody."))
    heads = ["Person", prepared.before.backbone, prepared.facts.backbone]
    worse = f"{len(agreed.worse):,} people are found less often, who stand first."
    found = table("Photos found, where the two differ", heads, rows, class_="pairs")
    return section("people", "People", tag("p", worse), found)


def _near(prepared: "Prepared") -> Html:
    names = prepared.names
    if not prepared.agreement.near:
        return Html()
    rows = [
        [joined(bdi(names.get(p.one, p.one)), " and ", bdi(names.get(p.other, p.other))),
         f"{p.likeness:.2f}", f"{p.margin:.2f}"]
        for p in prepared.agreement.near
    ]  # fmt: skip
    return section(
        "near",
        "People who look alike to the new one",
        table("Pairs", ["Pair", "Likeness", "Margin"], rows, class_="pairs"),
    )


def _photos(prepared: "Prepared") -> Html:
    names, inside = prepared.names, []
    if prepared.fidelity is not None:
        low, median = prepared.fidelity
        inside.append(
            tag(
                "p",
                "What is embedded is the kept face and its margin, not the photo that was handed "
                f"in. {prepared.before.backbone} sees a kept face as it saw the photo: cosine "
                f"{median:.3f} in the median, {low:.3f} at least"
                + ("." if median >= _ODD else ": much less alike than it should be."),
            )
        )
    if prepared.faceless:
        some = [bdi(f"{names.get(s, s)} ({n})") for s, n in sorted(prepared.faceless.items())]
        inside += [tag("p", "Kept photos in which no face is found again:"), folded(some)]
    if prepared.missing:
        gone = [bdi(names.get(s, s)) for s in prepared.missing]
        inside += [tag("p", "Nobody finds these any more, for they have no other photo:"),
                   folded(gone)]  # fmt: skip
    return section("photos", "The kept photos", *inside) if inside else Html()


def _run(prepared: "Prepared", place: str, now: datetime) -> Html:
    known = [
        ("Gallery", place),
        ("Made at", now.isoformat(timespec="seconds")),
        ("Templates", f"{prepared.templates:,}"),
        ("Fingerprint", prepared.facts.fingerprint),
        ("How the threshold was measured", prepared.agreement.point.explanation),
    ]
    return section("run", "About this run", facts(known, "facts"))


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.1%})" if whole else "not measured"


def _strangers(side: Side) -> str:
    if side.measured_fpir is None or side.fpir_upper_95 is None:
        return "not measured"
    return f"{side.measured_fpir:.2%} (at most {side.fpir_upper_95:.2%}, n = {side.n_nonmated:,})"


def _seconds(side: Side) -> str:
    return "not measured" if side.seconds_per_face is None else f"{side.seconds_per_face:.3f}"
