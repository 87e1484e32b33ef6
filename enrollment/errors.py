"""What stops a request. A blurred photo does not: expected refusals are results with reasons.

RollcallError
├── BadInput          what was asked cannot be done as asked; nothing was changed
│   ├── NotEnrolled       nobody is called so, or has this id
│   ├── Ambiguous         several people of this name are enrolled
│   └── Suspended         the person is suspended: nothing can be added until `resume`
├── Forbidden         whoever acts has not the right
│   └── NotConfirmed      they have, and must prove first who they are
└── Unusable          the gallery cannot be used as it is
    ├── FingerprintMismatch   its templates come from another pipeline
    └── Ending            the server ends; long work was broken off at a safe point
"""


class RollcallError(Exception):
    """Base of the room. Every text says what happened and what to do next."""


class BadInput(RollcallError):
    pass


class NotEnrolled(BadInput):
    pass


class Ambiguous(BadInput):
    pass


class Suspended(BadInput):
    pass


class Unusable(RollcallError):
    pass


class FingerprintMismatch(Unusable):
    pass


class Forbidden(RollcallError):
    pass


class NotConfirmed(Forbidden):
    pass


class Ending(Unusable):
    pass
