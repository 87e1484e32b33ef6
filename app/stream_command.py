"""stream-benchmark."""

import time
from pathlib import Path
from typing import Annotated

import typer

from app.failure import DONE
from app.options import Json
from app.output import DownloadBar, counting, emit, note, out
from app.settings import Environment, read_settings

GROUP = "Recognise"
# Of the document's numbers, those that a table has room for; shares are shown in percent.
_COLUMNS = {
    "accuracy": "right %",
    "forgetting": "forgot %",
    "bwt": "BWT %",
    "bwt_minus_joint": "-joint %",
    "churn": "churn %",
    "negative_flips": "flips %",
    "negative_flips_max": "worst %",
    "tpir_at_fpir_1pct": "TPIR@1 %",
    "tpir_at_fpir_0_1pct": "@0.1 %",
    "seconds_per_night": "s/night",
    "cost_ratio_to_joint": "cost",
}
_NOT_SHARES = ("seconds_per_night", "cost_ratio_to_joint")


def register(app: typer.Typer) -> None:
    app.command("stream-benchmark", rich_help_panel=GROUP)(stream_benchmark)


def stream_benchmark(
    photos: Annotated[Path, typer.Option(help="A folder for each person, 4 photos or more.")],
    nonmated: Annotated[Path, typer.Option(help="Photos of strangers.")],
    nights: Annotated[int, typer.Option(help="On each of which somebody arrives.")] = 30,
    seed: Annotated[int, typer.Option(help="Of who comes when, with which photos.")] = 0,
    backbone: Annotated[str, typer.Option(help="As for init.")] = "auto",
    method: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given again [default: all].")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where embeddings are kept [default: ~/.cache/rollcall/embeddings]."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Play nights of arrivals: what would each way of learning forget, and what would it cost?

    Embeddings of the photos are kept, so a second run takes minutes; delete --cache to drop them.

    Example: rollcall stream-benchmark --photos DIR --nonmated DIR
    """
    from enrollment.company import embed_company
    from enrollment.intake import gather, iterate_photos
    from enrollment.opening import capture_for_evaluation
    from enrollment.stream import METHODS, check_methods, check_sizes, make_stream, play

    methods = tuple(dict.fromkeys(method or METHODS))
    check_methods(methods)
    people, strangers = gather([photos]), list(iterate_photos([nonmated]))
    sizes = [len(person.photos) for person in people]
    check_sizes(sizes, len(strangers), nights)
    capture = capture_for_evaluation(read_settings("evaluate"), backbone, DownloadBar())
    note(f"{capture.backbone.name} on {capture.backbone.device}, {capture.detector.name}")
    started = time.monotonic()
    with counting("embedding", sum(sizes) + len(strangers)) as counter:
        company = embed_company(people, strangers, capture, cache or _default_cache(), counter)
    if company.cache_damaged:
        note("the kept embeddings were damaged; all were computed anew")
    stream = make_stream(company.vectors_by_subject, company.strangers, nights, seed)
    embedded = time.monotonic()
    with counting("playing nights", len(methods) * (nights + 1)) as counter:
        prior = capture.backbone.priors.threshold
        results = play(stream, methods, prior, counter.one)
    document = {
        "n_subjects": len(stream.subject_ids),
        "n_nonmated": len(company.strangers),
        "backbone": capture.backbone.name,
        "detector": capture.detector.name,
        "nights": nights,
        "seed": seed,
        "n_train": len(stream.train),
        "n_test": len(stream.test),
        "people_left_out": len(people) - len(stream.subject_ids),
        "photos_without_face": company.without_face,
        "photos_embedded_now": company.computed,
        "methods": [result.as_document() for result in results],
        "seconds": {
            "embed": round(embedded - started, 3),
            "play": round(time.monotonic() - embedded, 3),
        },
    }
    if as_json:
        emit(document)
    else:
        _say_streamed(document)
    return DONE


def _default_cache() -> Path:
    return (Environment().xdg_cache_home or Path.home() / ".cache") / "rollcall" / "embeddings"


def _say_streamed(document: dict[str, object]) -> None:
    out(
        f"{document['n_subjects']} people, {document['nights']} nights, {document['n_test']} test "
        f"photos, {document['n_nonmated']} strangers; {document['backbone']}"
    )
    out("".join([f"{'':20}", *(f"{title:>10}" for title in _COLUMNS.values())]))
    methods = document["methods"]
    assert isinstance(methods, list)  # noqa: S101 - made above
    for result in methods:
        out("".join([f"{result['method']:20}", *(_cell(key, result[key]) for key in _COLUMNS)]))
    for result in methods:
        served = result.get("served")
        if served:
            out(
                f"at the threshold that the gallery sets itself: {served['tpir']:.2%} found, "
                f"{served['fpir']:.2%} of strangers named; known to unknown a night: "
                f"{served['known_to_unknown']:.3%}, worst {served['known_to_unknown_max']:.2%}"
            )


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return f"{'-':>10}"
    return f"{value:>10.3f}" if key in _NOT_SHARES else f"{100 * value:>10.2f}"
