"""The pictures of the nightly report: plain data in, SVG to stand inside a page out.

matplotlib places the marks, and only here. What it writes is made fit for a page: colours become
the page's own (`currentColor` and its variables), so one picture serves a light screen, a dark one
and paper; texts are put in afterwards and are set by the browser, which has the letters of every
alphabet and knows which way they run.
"""

import html
import math
import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Widths in CSS pixels. A picture that is only shrunk to a telephone cannot be read there, so each
# is drawn twice and the page shows the one that fits.
WIDE, NARROW = 840, 328

# matplotlib wants colours; these stand for the page's and are replaced in `_for_the_page`.
_INK, _MUTED, _LINE, _NEW, _OLD, _WORSE, _BETTER, _SURFACE = (f"#00000{i}" for i in range(8))
_PAGE_COLOURS = {
    _INK: "currentColor",
    _MUTED: "var(--muted)",
    _LINE: "var(--line)",
    _NEW: "var(--new)",
    _OLD: "var(--old)",
    _WORSE: "var(--bad)",
    _BETTER: "var(--new)",
    _SURFACE: "var(--card)",
}
# From "look here" to "all is well": orange to blue are told apart by every kind of eye, and in
# grey print the two ends differ from the middle. The same on light and dark, with its own ink.
_SCALE = ("#c8590f", "#f0c9a6", "#d5e3f6", "#1f5fbf")
_FLOOR = 0.8  # accuracy at which the scale begins; what is lower looks the same
_ROW, _COLUMN = 30, 68  # of a heat map; columns shrink to fit
_PLOT_MARGINS = (8, 72, 8, 48)  # left, top, right, bottom of the histograms
_THIN = 0.25  # opacity of two shapes that lie over each other
# matplotlib's settings are the process's own: drawn under them, and put back.
_drawing = threading.Lock()


@dataclass(frozen=True)
class HeatMap:
    """values: one list a row; None where nothing was measured. labels: what stands in the cells."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    labels: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Shift:
    """One person's share of photos recognised, before and after. words: the same in counts."""

    name: str
    before: float
    after: float
    words: str


@dataclass(frozen=True)
class Scores:
    """Histograms over the same edges; each threshold is None where there was none."""

    edges: Sequence[float]
    mated: Sequence[float]
    nonmated: Sequence[float]
    threshold: float | None
    threshold_before: float | None


@dataclass(frozen=True)
class Bar:
    """A length in seconds with its name and how people say it."""

    name: str
    seconds: float
    words: str


class _Sheet:
    """A figure measured in CSS pixels, and the texts that are put in once it is drawn."""

    def __init__(self, figure: "Figure", width: float, height: float) -> None:
        self.figure = figure
        self.width = width
        self.height = height
        self.texts: list[str] = []

    def written(self, text: str) -> str:
        """What to draw in the text's place: matplotlib's fonts lack most of the world's letters."""
        self.texts.append(text)
        return f"@{len(self.texts) - 1}@"

    def axes(self, left: float, top: float, right: float, bottom: float) -> "Axes":
        """Bare axes with these margins."""
        w, h = self.width, self.height
        ax = self.figure.add_axes(
            (left / w, bottom / h, (w - left - right) / w, (h - top - bottom) / h)
        )
        ax.tick_params(length=0, pad=6)
        for side in ax.spines.values():
            side.set_visible(False)
        return ax

    def strip(self, bottom: float, height: float) -> "Axes":
        """As wide as the picture, measured in pixels from its lower left corner, without axes."""
        ax = self.figure.add_axes((0, bottom / self.height, 1, height / self.height))
        ax.set_xlim(0, self.width)
        ax.set_ylim(0, height)
        ax.axis("off")
        return ax


def heat_map(data: HeatMap, width: int) -> str:
    """Rows against columns; good is blue, bad is orange, each cell with its number."""
    top, bottom, left = 26, 44, 96 if width >= WIDE else 70

    def draw(sheet: _Sheet) -> None:
        # A single night is not drawn as wide as the page.
        ax = sheet.axes(left, top, max(2, width - left - _COLUMN * len(data.columns)), bottom)
        ax.set_xlim(-0.5, len(data.columns) - 0.5)
        ax.set_ylim(len(data.rows) - 0.5, -0.5)
        ax.xaxis.tick_top()
        ax.set_xticks(range(len(data.columns)), [sheet.written(_short(c, 8)) for c in data.columns])
        ax.set_yticks(range(len(data.rows)), [sheet.written(_short(r, 12)) for r in data.rows])
        for i, (values, labels) in enumerate(zip(data.values, data.labels, strict=True)):
            for j, (value, label) in enumerate(zip(values, labels, strict=True)):
                _cell(sheet, ax, (j, i), value, label)
        _scale(sheet, left, bottom)

    return _drawn(draw, "heat-map", width, top + bottom + _ROW * len(data.rows))


def shifts(people: Sequence[Shift], width: int) -> str:
    """A line a person from the share before (ring) to the share after (triangle up or down)."""
    top, bottom = 26, 6
    left, right = (190, 150) if width >= WIDE else (112, 92)
    most = 24 if width >= WIDE else 13

    def draw(sheet: _Sheet) -> None:
        ax = sheet.axes(left, top, right, bottom)
        ax.set_xlim(-0.04, 1.04)
        ax.set_ylim(len(people) - 0.5, -0.5)
        ax.xaxis.tick_top()
        ax.set_xticks([0, 0.5, 1], [sheet.written(t) for t in ("0 %", "50 %", "100 %")])
        ax.set_yticks(range(len(people)), [sheet.written(_short(p.name, most)) for p in people])
        ax.vlines([0, 0.5, 1], -0.5, len(people) - 0.5, color=_LINE, linewidth=1)
        for row, person in enumerate(people):
            _arrow(ax, row, person)
            words = sheet.written(person.words)
            ax.text(1.1, row, words, va="center_baseline", color=_INK, clip_on=False)

    return _drawn(draw, "shifts", width, top + bottom + 26 * len(people))


def score_histograms(scores: Scores, width: int) -> str:
    """Colleagues' and strangers' scores, each as shares of its own searches, and the thresholds."""
    thresholds = [t for t in (scores.threshold, scores.threshold_before) if t is not None]
    low = min([scores.edges[0], *thresholds])
    high = max([scores.edges[-1], *thresholds])

    def draw(sheet: _Sheet) -> None:
        ax = sheet.axes(*_PLOT_MARGINS)
        tallest = 0.0
        for counts, colour, hatch in _groups(scores):
            shares = _shares(counts)
            tallest = max(tallest, *shares)
            ax.stairs(shares, scores.edges, fill=True, color=colour, alpha=_THIN)
            ax.stairs(shares, scores.edges, fill=True, fc="none", ec=colour, lw=1, hatch=hatch)
        ax.set_xlim(low, high)
        ax.set_ylim(0, tallest * 1.04 or 1)
        ticks = _round_ticks(low, high, 9 if width >= WIDE else 5)
        ax.set_xticks(ticks, [sheet.written(f"{tick:g}") for tick in ticks])
        ax.set_yticks([])
        ax.axhline(0, color=_MUTED, linewidth=1, clip_on=False)
        ax.set_xlabel(sheet.written("confidence of the best candidate"), color=_MUTED)
        _legend(sheet, scores)
        _thresholds(sheet, ax, scores)

    return _drawn(draw, "scores", width, 300)


def bars(data: Sequence[Bar], width: int) -> str:
    """Lengths side by side, the first one in the colour of what is new."""
    longest = max((b.seconds for b in data), default=0.0) or 1.0

    def draw(sheet: _Sheet) -> None:
        ax = sheet.axes(0, 0, 110, 0)
        ax.set_xlim(0, longest)
        ax.set_ylim(len(data) - 0.5, -0.5)
        ax.set_xticks([])
        ax.set_yticks([])
        for row, bar in enumerate(data):
            colour = _NEW if row == 0 else _OLD
            # A bar of no width could not be seen beside one a thousand times longer.
            ax.barh(row + 0.16, max(bar.seconds, longest / 200), 0.4, color=colour)
            ax.text(0, row - 0.2, sheet.written(bar.name), color=_INK, va="center")
            end = max(bar.seconds, longest / 200)
            ax.annotate(
                sheet.written(bar.words),
                (end, row + 0.16),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
                color=_INK,
                annotation_clip=False,
            )

    return _drawn(draw, "bars", width, 58 * len(data))


def _cell(sheet: _Sheet, ax: "Axes", at: tuple[int, int], value: float | None, label: str) -> None:
    from matplotlib.patches import Rectangle

    colour, ink = "none", _MUTED
    if value is not None:
        colour = _scale_colour((value - _FLOOR) / (1 - _FLOOR))
        ink = _readable_on(colour)
    corner = (at[0] - 0.47, at[1] - 0.46)
    ax.add_artist(Rectangle(corner, 0.94, 0.92, facecolor=colour, clip_on=False))
    ax.text(*at, sheet.written(label), ha="center", va="center", color=ink)


def _scale_colour(position: float) -> str:
    """A colour of the scale; 0 and less is its first one, 1 and more its last."""
    at = min(max(position, 0.0), 1.0) * (len(_SCALE) - 1)
    first = min(int(at), len(_SCALE) - 2)
    mixed = [
        round(low + (high - low) * (at - first))
        for low, high in zip(_parts(_SCALE[first]), _parts(_SCALE[first + 1]), strict=True)
    ]
    return "#" + bytes(mixed).hex()


def _parts(colour: str) -> bytes:
    return bytes.fromhex(colour[1:])


def _readable_on(colour: str) -> str:
    """White or nearly black, whichever has the higher contrast (WCAG's relative luminance)."""
    parts = [part / 255 for part in _parts(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if luminance < 0.18 else "#101418"  # at 0.18 both have the same


def _scale(sheet: _Sheet, left: float, bottom: float) -> None:
    """What the colours mean, under the cells."""
    from matplotlib.patches import Rectangle

    ax = sheet.strip(0, bottom)
    words, steps, step = 88, 10, 14
    left = min(left, sheet.width - words - steps * step - 50)
    for i in range(steps):
        corner = (left + words + i * step, 9)
        colour = _scale_colour(i / (steps - 1))
        ax.add_artist(Rectangle(corner, step - 1, 13, facecolor=colour))
    low, high = f"{_FLOOR * 100:.0f}\u00a0% or less", "100\u00a0%"
    end = left + words + steps * step
    ax.text(left + words - 8, 15, sheet.written(low), ha="right", va="center", color=_MUTED)
    ax.text(end + 7, 15, sheet.written(high), va="center", color=_MUTED)


def _arrow(ax: "Axes", row: int, person: Shift) -> None:
    better = person.after > person.before
    colour = _BETTER if better else _WORSE
    ax.plot([person.before, person.after], [row, row], color=colour, linewidth=2.5, zorder=2)
    ax.plot(
        person.before,
        row,
        marker="o",
        markersize=8,
        color=colour,
        markerfacecolor=_SURFACE,
        markeredgewidth=2,
        zorder=3,
        clip_on=False,
    )
    shape = "^" if better else "v"
    ax.plot(person.after, row, marker=shape, markersize=10, color=colour, zorder=4, clip_on=False)


def _shares(counts: Sequence[float]) -> list[float]:
    whole = sum(counts)
    return [count / whole if whole else 0.0 for count in counts]


def _round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers, none so close to an end that its text is cut."""
    span = high - low
    steps = [m * 10.0**e for e in range(-4, 6) for m in (1, 2, 5)]
    step = next((s for s in steps if span / s <= most), span)
    margin = span * 0.03
    first, last = math.ceil((low + margin) / step), math.floor((high - margin) / step)
    return [round(i * step, 6) for i in range(first, last + 1)]


def _legend(sheet: _Sheet, scores: Scores) -> None:
    from matplotlib.patches import Rectangle

    ax = sheet.strip(sheet.height - 24, 24)
    for x, name, (counts, colour, hatch) in zip(
        (8, 8 + min(sheet.width / 2, 160)),
        ("strangers", "colleagues"),
        _groups(scores),
        strict=True,
    ):
        ax.add_artist(Rectangle((x, 6), 18, 13, facecolor=colour, alpha=_THIN))
        ax.add_artist(Rectangle((x, 6), 18, 13, fill=False, edgecolor=colour, hatch=hatch))
        text = name if sum(counts) else f"{name}: none"
        ax.text(x + 25, 12, sheet.written(text), va="center", color=_INK)


def _groups(scores: Scores) -> tuple[tuple[Sequence[float], str, str | None], ...]:
    """Counts, colour and hatch: strangers are told apart without colour too."""
    return (scores.nonmated, _WORSE, "////"), (scores.mated, _NEW, None)


def _thresholds(sheet: _Sheet, ax: "Axes", scores: Scores) -> None:
    """A line each, their words on two levels and away from each other."""
    given = [("tonight", scores.threshold, 24), ("before", scores.threshold_before, 5)]
    lines = sorted((x, name, level) for name, x, level in given if x is not None)
    low, high = ax.get_xlim()
    for place, (x, name, level) in enumerate(lines):
        at = (x - low) / (high - low)
        on_left = at > 0.75 or (place < len(lines) - 1 and at > 0.25)
        now = name == "tonight"
        ax.plot(
            [x, x],
            [0, 1 + level / (sheet.height - _PLOT_MARGINS[1] - _PLOT_MARGINS[3])],
            transform=ax.get_xaxis_transform(),
            color=_INK if now else _MUTED,
            linestyle="solid" if now else (0, (4, 3)),
            linewidth=1.8,
            clip_on=False,
        )
        ax.annotate(
            sheet.written(f"{name} {x:.3f}"),
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if on_left else 6, level),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            fontweight="bold" if now else "normal",
            color=_INK if now else _MUTED,
            annotation_clip=False,
        )


def _short(name: str, most: int) -> str:
    """At most so many columns wide; letters of East Asian scripts take two."""
    used = 0
    for at, letter in enumerate(name):
        used += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if used > most:
            return name[:at].rstrip() + "\u2026"
    return name


def _drawn(draw: Callable[[_Sheet], None], name: str, width: int, height: float) -> str:
    """name: keeps the ids within the picture apart from those of the page's other pictures."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with _drawing, mpl.rc_context():
        mpl.rcdefaults()  # somebody's matplotlibrc is not the report's business
        # A fixed salt: equal data gives equal bytes.
        mpl.rcParams.update(
            {"svg.fonttype": "none", "svg.hashsalt": f"{name}-{width}", "font.size": 12}
        )
        sheet = _Sheet(Figure(figsize=(width / 72, height / 72), dpi=72), width, height)
        draw(sheet)
        written = StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        sheet.figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return _for_the_page(written.getvalue(), sheet.texts)


def _for_the_page(svg: str, texts: Sequence[str]) -> str:
    """Only what stands between the svg tags, in the page's colours, with its texts."""
    svg = svg[svg.index("<svg") :]
    view = re.search(r'viewBox="([^"]*)"', svg)
    inside = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    # Its style sheet would hold for the whole page.
    inside = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", inside, flags=re.DOTALL)
    inside = re.sub(r"font-family: [^;\"]*;?\s*", "", inside)
    inside = re.sub(r'(?<=\sd=")[^"]*', _shorter, inside)
    inside = re.sub(r"#00000\d", lambda m: _PAGE_COLOURS[m[0]], inside)
    inside = _needed_ids(inside.replace("xlink:href", "href"))
    inside = re.sub(r">\s+<", "><", inside)
    inside = re.sub(r"@(\d+)@", lambda m: html.escape(texts[int(m[1])]), inside)
    return f'<svg viewBox="{view[1] if view else ""}">{inside.strip()}</svg>'


def _shorter(path: re.Match[str]) -> str:
    """A tenth of a pixel is enough."""
    numbers = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), path[0])
    return " ".join(numbers.split())


def _needed_ids(svg: str) -> str:
    """Without the ids that nothing refers to: they would be the same in every picture."""
    needed = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    return re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in needed else "", svg)
