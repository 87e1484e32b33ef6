"""What distinguishes one way of wearing hair from another."""

from collections.abc import Mapping
from dataclasses import dataclass

Knots = tuple[tuple[float, float], ...]

# Degrees round the head from the middle of the forehead, and the y where hair ends there.
_CROPPED_SIDES: Knots = ((58, -3.2), (66, -1.5), (75, 1.6), (88, 0.2), (100, 5.5), (125, 8.5))
_COVERED_SIDES: Knots = ((58, -2.6), (75, -1.0), (125, 0.0))
# Hair that is combed to both sides leaves most of the forehead free.
_SWEPT_FRONT: Knots = ((0, -0.4), (20, 0.0), (42, 1.6))
_SWEPT_PARTING: Knots = (
    (-60, 0.0),
    (-30, 1.6),
    (0, 0.9),
    (14, -0.5),
    (20, -0.6),
    (40, 0.5),
    (60, 0.0),
)


@dataclass(frozen=True)
class Style:
    lift: float  # centimetres above the scalp
    sides: Knots = _CROPPED_SIDES
    front: Knots = ((0, 0.0), (25, 0.1), (42, 0.9))  # relative to the person's hairline
    parting: Knots = ()  # like `front`, from the side without the parting to that with it
    crest: Knots = ()  # factor on `lift`, by degrees
    density: float = 1.0
    softness: float = 0.7  # centimetres over which the hairline fades
    curl: float = 0.0  # 0 strands, 1 curls
    bottom: float | None = None  # y where hanging hair ends
    behind: float = 0.0  # centimetres by which hair behind the neck is wider than the head
    fringe: bool = False
    swept: bool = False  # strands fan out from the parting
    bun: bool = False

    @property
    def shows_ears(self) -> bool:
        return self.bottom is None and self.curl < 0.5


STYLES: Mapping[str, Style] = {
    "buzz": Style(lift=0.1, density=0.72, softness=0.9),
    "short": Style(lift=0.9),
    "part": Style(
        lift=1.1,
        parting=((-60, 0.6), (-30, 1.2), (-5, 0.3), (22, -0.7), (30, -0.4), (60, 0.0)),
        swept=True,
    ),
    "quiff": Style(lift=1.5, crest=((-90, 0.3), (-50, 0.6), (0, 1.4), (50, 0.6), (90, 0.3))),
    "bun": Style(lift=0.5, softness=1.3, front=((0, -0.7), (20, -0.3), (42, 1.2)), bun=True),
    "curly": Style(
        lift=2.2,
        curl=1.0,
        sides=((58, -3.0), (66, 1.0), (75, 4.0), (88, 6.0), (125, 7.0)),
        behind=1.8,
    ),
    "afro": Style(
        lift=3.6,
        curl=1.0,
        front=((0, 0.0), (40, 0.4)),
        sides=((60, -2.0), (75, 2.0), (90, 4.0), (125, 7.0)),
        behind=2.8,
    ),
    "long": Style(
        lift=0.9,
        sides=_COVERED_SIDES,
        front=_SWEPT_FRONT,
        parting=_SWEPT_PARTING,
        swept=True,
        bottom=19.0,
        behind=1.2,
    ),
    "bob": Style(
        lift=1.1,
        sides=_COVERED_SIDES,
        front=_SWEPT_FRONT,
        parting=_SWEPT_PARTING,
        swept=True,
        bottom=10.5,
        behind=1.0,
    ),
    "fringe": Style(lift=1.0, sides=_COVERED_SIDES, bottom=14.0, behind=0.8, fringe=True),
}
