"""Documents as a night writes them: a full one, and the ones where much is missing."""

import base64
import math
import random
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from PIL import Image

from demo.people import NAMES
from enrollment.calibration import interval_95

Document = dict[str, Any]
DAY = date(2026, 11, 21)


def full(faces: list[str] | None = None) -> Document:
    """A night on which a trained head goes live.

    Args:
        faces: pictures for the photos to look at, in base64; plain ones where None.
    """
    faces = faces or [plain_face(n) for n in range(6)]
    return {
        "run_id": "5b0c9c1e-8f5e-4f0e-9a54-0d6d5a1b7a11",
        "day": DAY.isoformat(),
        "outcome": "promoted",
        "reason": "the head trained by joint serves 412 people from now on",
        "mode": "joint",
        "gallery": "head office",
        "backbone": "vgg-face",
        "started_at": "2026-11-21T01:30:00+00:00",
        "seconds": {"plan": 0.041, "train": 41.2, "evaluate": 152.6, "total": 193.9},
        "plan": {
            "mode": "joint",
            "sentence": "joint: training everything anew is affordable (about 380 s of training, "
            "600 s are allowed)",
            "estimated_seconds": 380.0,
            "budget_seconds": 600.0,
        },
        "people": {
            "total": 412,
            "photos": 2466,
            "new": [{"name": name, "photos": 3 + i % 4} for i, name in enumerate(NAMES[:14])],
            "changed": [{"name": "Grace Hopper", "photos": 7}],
            "gone": 2,
        },
        "head": {
            "head_id": "2026-11-21-joint-5b0c9c1e",
            "previous_head_id": "2026-11-20-joint-77aa01fe",
        },
        "checks": checks(),
        "states": [
            state("before", "Serving until tonight", "joint", 398, 1486, 1478, 1461),
            state("imprint", "Plain means, tonight", "imprint", 412, 1542, 1521, 1497),
            state("challenger", "Trained tonight", "joint", 412, 1542, 1535, 1519),
        ],
        "served": "challenger",
        "comparison": {
            "probes": 1486,
            "agreement": 1480 / 1486,
            "churn": 6 / 1486,
            "negative_flips": 2,
            "negative_flip_rate": 2 / 1486,
            "positive_flips": 3,
            "mcnemar_p": 1.0,
            "intrusion": 1 / 1486,
            "known_to_unknown": 4,
            "known_to_unknown_rate": 4 / 1486,
            "new_recall": 55 / 56,
            "new_probes": 56,
            "old_recall": 1479 / 1486,
        },
        "cohorts": cohorts(nights=18),
        "forgetting": {"forgetting": 0.0041, "bwt": -0.0026, "bwt_minus_joint": 0.0004},
        "forgetting_per_person": [
            {"name": "Ada Lovelace", "before": [3, 3], "after": [2, 3]},
            {"name": "佐藤 美咲", "before": [5, 6], "after": [3, 6]},
            {"name": "أمين حدّاد", "before": [1, 3], "after": [3, 3]},
            {
                "name": "Maximiliane Freifrau von Hohenlohe-Schillingsfürst",
                "before": [2, 4],
                "after": [3, 4],
            },
            {"name": "Grace Hopper", "before": [6, 7], "after": [7, 7]},
            {"name": "Alan Turing", "before": [4, 4], "after": [4, 4]},
        ],
        "disagreements": [
            disagreement("Ada Lovelace", "Ada Lovelace", "Ingrid Ångström", faces[0]),
            disagreement("佐藤 美咲", "佐藤 美咲", None, faces[1]),
            disagreement("أمين حدّاد", None, "أمين حدّاد", faces[2]),
            disagreement("Grace Hopper", "Zoë Brønsted", "Grace Hopper", faces[3]),
            disagreement("Jürgen Weiß", "Đorđe Savić", "Hüseyin Çağlar", faces[4]),
            disagreement("Niamh Ní Bhriain", "Marisol Peña", "Niamh Ní Bhriain", None),
        ],
        "scores": scores(0.412, 0.405),
        "needs_photos": [
            {"name": "Kwame Asante", "why": "1 of at least 3 photos"},
            {"name": "राघव मेनन", "why": "2 of at least 3 photos"},
            {"name": "Olena Koval", "why": "found in 1 of 4 photos"},
        ],
        "cost": {
            "tonight_seconds": 6.4,
            "full_retrain_seconds": 41.2,
            "note": "tonight: making the means and measuring them; full: one training of "
            "everything",
        },
    }


def refused() -> Document:
    """The gate says no, and the head of last night goes on."""
    return full() | {
        "outcome": "refused",
        "reason": "refused: 31 of 1486 photos that were right would be wrong; Ada Lovelace 3/3 -> "
        "0/3, 佐藤 美咲 5/6 -> 1/6",
        "mode": "imprint",
        "served": "before",
        "checks": checks(failed=("old people", "every single person")),
        "needs_photos": [],
    }


def first_night() -> Document:
    """Nothing was served before, so there is nothing to compare with."""
    only = state("imprint", "Plain means, tonight", "imprint", 12, 36, 35, 33)
    only |= {"fpir": 1 / 36, "fpir_upper_95": 0.125, "stranger_searches": 36}
    only |= {"promise": "not_enough_data"}
    return full() | {
        "reason": "the plain means serve 12 people from now on; nothing was trained",
        "mode": "imprint",
        "people": {"total": 12, "photos": 36, "new": [], "changed": [], "gone": 0},
        "head": {"head_id": "2026-11-21-imprint-5b0c9c1e", "previous_head_id": None},
        "checks": [c for c in checks() if c["name"] in ("integrity", "strangers", "time")],
        "states": [only],
        "served": "imprint",
        "comparison": None,
        "cohorts": cohorts(nights=1),
        "forgetting": {"forgetting": None, "bwt": None, "bwt_minus_joint": None},
        "forgetting_per_person": [],
        "disagreements": [],
        "scores": scores(0.43, None),
        "needs_photos": [],
        "cost": {"tonight_seconds": 0.2, "full_retrain_seconds": None, "note": None},
    }


def one_person() -> Document:
    """Nobody to tell apart, no stranger, no photo to set aside."""
    only = state("imprint", "Plain means, tonight", "imprint", 1, 0, 0, 0)
    only |= {"accuracy": None, "accuracy_interval_95": None, "threshold": 0.5}
    only |= {"find_rate": None, "find_rate_interval_95": None, "promise": "not_enough_data"}
    only |= {"fpir": None, "fpir_upper_95": None, "stranger_searches": 0, "seconds": 0.0004}
    return first_night() | {
        "reason": "the plain means serve 1 people from now on; nothing was trained",
        "people": {"total": 1, "photos": 1, "new": [], "changed": [], "gone": 0},
        "states": [only],
        "cohorts": {"cohorts": [], "nights": ["2026-11-21"], "accuracy": [[]], "probes": [[]]},
        "scores": None,
        "needs_photos": [{"name": "Ada Lovelace", "why": "1 of at least 3 photos"}],
    }


def skipped() -> Document:
    """A quiet day: all but the reason is missing, None or empty."""
    nothing: Document = dict.fromkeys(full())
    return nothing | {
        "run_id": "",
        "day": DAY.isoformat(),
        "outcome": "skipped",
        "reason": "nobody came, nobody went and no photo was added since the night of 2026-11-20",
        "people": {"total": 412, "photos": 2466, "new": [], "changed": [], "gone": 0},
        "checks": [],
        "states": [],
        "disagreements": [],
        "needs_photos": [],
    }


def hostile(text: str) -> Document:
    """`text` wherever a text may stand."""
    return _everywhere(full() | {"cohorts": cohorts(nights=2)}, text)


def _everywhere(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        kept = ("outcome", "key", "served", "promise")
        return {k: v if k in kept else _everywhere(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [_everywhere(v, text) for v in value]
    return text if isinstance(value, str) else value


def plain_face(number: int) -> str:
    picture = Image.new("RGB", (24, 24), (90 + number * 20, 120, 160 - number * 10))
    written = BytesIO()
    picture.save(written, "JPEG")
    return base64.b64encode(written.getvalue()).decode()


def state(
    key: str, title: str, mode: str, subjects: int, probes: int, right: int, found: int
) -> Document:
    return {
        "key": key,
        "title": title,
        "mode": mode,
        "subjects": subjects,
        "probes": probes,
        "right": right,
        "accuracy": right / probes if probes else None,
        "accuracy_interval_95": list(interval_95(right, probes)) if probes else None,
        "find_rate": found / probes if probes else None,
        "find_rate_interval_95": list(interval_95(found, probes)) if probes else None,
        "threshold": 0.405 if key == "before" else 0.412,
        "fpir": 0.0094,
        "fpir_upper_95": 0.0136,
        "stranger_searches": 2466,
        "promise": "kept",
        "seconds": {"before": 120.4, "imprint": 6.4, "challenger": 138.9}[key],
    }


def checks(failed: tuple[str, ...] = ()) -> list[Document]:
    given = [
        ("integrity", "finite unit rows, one for each active person", "as it should be", ""),
        (
            "strangers",
            "at most 1.25% named",
            "0.94% of 2466",
            "strangers would be named 0.9% of the time, 1.0% was asked for",
        ),
        (
            "old people",
            "at most 7 of 1486 photos newly wrong",
            "2 newly wrong, 3 newly right",
            "31 of 1486 photos that were right would be wrong",
        ),
        (
            "agreement",
            "at least 98% of answers unchanged",
            "99.6%",
            "only 99.6% of the answers stay as they are",
        ),
        (
            "newcomers",
            "at least 90% right",
            "55 of 56",
            "newcomers are recognised in 55 of 56 photos only",
        ),
        (
            "every single person",
            "nobody who was recognised in two of three photos is lost",
            "0 lost, 2 recognised in fewer photos",
            "Ada Lovelace 3/3 -> 0/3, 佐藤 美咲 5/6 -> 1/6",
        ),
        ("calibration", "error at most 3%", "too few photos", "fewer than 200 photos"),
        ("time", "at most 1800 s", "193.9 s", "it took 194 s"),
        ("better than plain imprinting", "clearly more found, p < 0.05", "+25 -3, p = 0.00", ""),
    ]
    return [
        {
            "name": name,
            "passed": None if name == "calibration" else name not in failed,
            "limit": limit,
            "value": value,
            "words": words,
        }
        for name, limit, value, words in given
    ]


def disagreement(truth: str, before: str | None, after: str | None, face: str | None) -> Document:
    return {
        "truth": truth,
        "before": before,
        "after": after,
        "score_before": 0.4712,
        "score_after": None if after is None else 0.5233,
        "face": face,
    }


def cohorts(nights: int) -> Document:
    """A cohort a night after a large first one; the second one is slowly forgotten."""
    dice = random.Random(7)
    days = [(DAY - timedelta(days=nights - 1 - i)).isoformat() for i in range(nights)]
    sizes = [900] + [dice.choice([12, 18, 26, 48]) for _ in days[1:]]
    accuracy: list[list[float | None]] = []
    for night in range(nights):
        row: list[float | None] = []
        for cohort, n in enumerate(sizes):
            lost = 0.012 * (night - cohort) if cohort == nights - 8 else 0.0
            right = n - round(n * lost) - (dice.random() < 0.3) - (n // 300)
            row.append(right / n if cohort <= night else None)
        accuracy.append(row)
    probes = [[n if j <= t else 0 for j, n in enumerate(sizes)] for t in range(nights)]
    return {"cohorts": days, "nights": days, "accuracy": accuracy, "probes": probes}


def scores(threshold: float, before: float | None) -> Document:
    edges = [-0.1 + i * 0.025 for i in range(41)]

    def bell(middle: float, width: float, whole: int) -> list[int]:
        heights = [math.exp(-(((e + 0.0125 - middle) / width) ** 2) / 2) for e in edges[:-1]]
        return [round(whole * h / sum(heights)) for h in heights]

    return {
        "edges": edges,
        "mated": bell(0.62, 0.09, 1535),
        "nonmated": bell(0.21, 0.08, 2466),
        "threshold": threshold,
        "threshold_before": before,
    }
