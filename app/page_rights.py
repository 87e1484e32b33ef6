"""Which page is whose: one of these rights opens it; none: everybody's who signed in."""

from collections.abc import Mapping

from enrollment.rights import Right

PAGES: Mapping[str, tuple[Right, ...]] = {
    "": (),
    "enroll": (Right.ENROLL,),
    "bulk": (Right.ENROLL,),
    "people": (Right.PEOPLE,),
    "identify": (Right.RECOGNISE,),
    "door": (Right.DOOR,),
    "review": (Right.REVIEW,),
    "nightly": (Right.LEARN,),
    "accuracy": (Right.LEARN, Right.THRESHOLD),
    "map": (Right.LEARN,),
    "privacy": (Right.PRIVACY,),
    "system": (Right.SYSTEM,),
    "accounts": (Right.ACCOUNTS,),
    "account": (),
}
