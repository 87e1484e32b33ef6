"""What a night's outcomes, modes, stages and checks are called, and what helps when one refuses."""

from app.language import Language


def outcome_word(language: Language, outcome: str) -> str:
    say = language.say
    words = {
        "promoted": say("promoted"),
        "refused": say("refused"),
        "skipped": say("skipped"),
        "running": say("running"),
    }
    return words.get(outcome, outcome)


def mode_word(language: Language, mode: str) -> str:
    """How a head was made."""
    say = language.say
    words = {
        "joint": say("trained on everybody"),
        "merged": say("two sites' heads beside each other"),
        "local": say("trained on newcomers and their neighbours"),
        "rehearsal": say("trained on newcomers and examples of the others"),
        "pseudo": say("trained from statistics"),
        "imprint": say("plain means"),
    }
    return words.get(mode, mode)


def stage_word(language: Language, stage: str) -> str:
    say = language.say
    words = {
        "": say("Beginning"),
        "plan": say("Planning"),
        "search with last night's head": say("Searching with the head that serves"),
        "search with means": say("Searching with the plain means"),
        "train and search": say("Training without some, and searching for them"),
        "train": say("Training on everybody"),
    }
    return words.get(stage, stage)


def state_word(language: Language, state: str) -> str:
    """What a version of the head is doing."""
    say = language.say
    words = {
        "champion": say("serves now"),
        "challenger": say("asks to serve"),
        "retired": say("served before"),
        "refused": say("refused"),
    }
    return words.get(state, state)


def check_word(language: Language, check: str) -> str:
    say = language.say
    words = {
        "integrity": say("The head is whole"),
        "newcomers' own photos": say("Newcomers' own photos"),
        "strangers": say("Strangers named"),
        "find rate": say("People found"),
        "old people": say("People who were there before"),
        "every single person": say("Every single person"),
        "agreement": say("Answers that stay"),
        "intrusion": say("Taken for newcomers"),
        "newcomers": say("Newcomers found"),
        "calibration": say("Probabilities"),
        "time": say("Time"),
        "memory": say("Memory"),
        "better than plain imprinting": say("Better than the plain means"),
    }
    return words.get(check, check)


def remedy(language: Language, check: str) -> str:
    """What would have to change for this check to pass."""
    say = language.say
    photos = say(
        "Take two or three new photos of the people whom the report names, in another light, or "
        "see whether two of them are one person."
    )
    words = {
        "integrity": say("Run the night again; if it stays, check the gallery on the System page."),
        "newcomers' own photos": say(
            "Look at the newcomers' photos: some look more like somebody else. Replace them, or "
            "see whether people were mixed up."
        ),
        "strangers": say(
            "More photos of each person, or a less strict promise on the Accuracy page."
        ),
        "find rate": say("More photos of the people who are not found."),
        "old people": photos,
        "every single person": photos,
        "agreement": say(
            "Too many answers would change at once. Enroll fewer people a day, or look at the "
            "report and promote by hand."
        ),
        "intrusion": say(
            "Newcomers look like people who were there before: look at their photos, and tell the "
            "two apart with new ones."
        ),
        "newcomers": say("More photos of the newcomers, taken where they will be recognised."),
        "calibration": say("More photos of each person; it usually settles as people come."),
        "time": say("A smaller budget for training, or a quicker machine: rollcall nightly --help"),
        "memory": say("A machine with more memory."),
        "better than plain imprinting": say(
            "Nothing is wrong: the plain means are as good. More photos of each person make "
            "training worth while."
        ),
    }
    return words.get(check, say("See the report."))
