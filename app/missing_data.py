"""What a promise misses, and what people can do about it."""

from app.rates import one_in
from app.visit import Visit
from enrollment.calibration import Needed, OperatingPoint


def what_is_missing(visit: Visit, point: OperatingPoint, needed: Needed) -> str:
    """In two sentences or three."""
    language, say = visit.language, visit.say
    rate = one_in(language, point.max_fpir)
    said = [
        say(
            "To know whether only {rate} strangers is named, {searches} searches are needed, and "
            "{there} could be made. Until then the stricter of the usual and the measured "
            "threshold is used.",
            rate=rate,
            searches=language.number(needed.strangers),
            there=language.number(point.n_nonmated),
        )
    ]
    if needed.people is not None:
        said.append(
            visit.say_many(
                "Enroll about {n} more person with several photos, or measure with {photos} "
                "photos of people who are not enrolled: rollcall calibrate --strangers FOLDER",
                "Enroll about {n} more people with several photos each, or measure with {photos} "
                "photos of people who are not enrolled: rollcall calibrate --strangers FOLDER",
                needed.people,
                photos=language.number(needed.strangers),
            )
        )
    else:
        said.append(
            say(
                "More enrolled people alone do not help here: measure with {photos} photos of "
                "people who are not enrolled: rollcall calibrate --strangers FOLDER",
                photos=language.number(needed.strangers),
            )
        )
    return " ".join(said)
