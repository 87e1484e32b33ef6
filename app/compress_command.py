"""compress: a smaller backbone, offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import emit, note, out, stages
from app.settings import read_settings

if TYPE_CHECKING:
    from enrollment.compression_report import CompressionReport

GROUP = "Run and care"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(compress)


def compress(
    folder: Annotated[
        Path, typer.Argument(help="Where it is written; must not be there.", show_default=False)
    ],
    method: Annotated[
        str,
        typer.Option(
            help="int8, merge, magnitude, obd, magnitude-neurons, obd-neurons or low-rank."
        ),
    ],
    keep: Annotated[
        float | None,
        typer.Option(help="The share that stays: of weights, neurons or numbers; not for int8."),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="A folder for each person: saliencies, cosines and accuracy on these."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Write a smaller vgg-face with a fingerprint of its own, and a report against its parent.

    Example: rollcall compress small/ --method int8 --photos people/
    """
    from enrollment.compressing import Wish, compress_backbone

    wish = Wish(
        method, keep, folder.expanduser().resolve(), photos.expanduser() if photos else None
    )
    with stages() as progress:
        report = compress_backbone(read_settings("evaluate", home), wish, progress)
    if as_json:
        emit(report.as_document())
    else:
        _say(report)
    return DONE


def _say(report: "CompressionReport") -> None:
    from enrollment.compression_report import rows_of

    out(f"{'':20} {report.parent.name:>30} {report.compressed.name:>30}")
    for name, _, parent, compressed in rows_of(report):
        out(f"{name:20} {parent:>30} {compressed:>30}")
    for warning in report.warnings:
        note(warning)
    out(f"report  {report.folder / 'report.html'}")
    out(f"use it  rollcall init --backbone compressed:{report.folder / 'backbone.toml'}")
