"""Roles, as people call them."""

from collections.abc import Collection

from app.language import Language


def role_in_words(role: str, language: Language) -> str:
    say = language.say
    named = {
        "viewer": say("viewer: asks who somebody is"),
        "operator": say("operator: at a door, decides on unknown faces"),
        "enroller": say("enroller: enrolls people"),
        "ml-engineer": say("ML engineer: nights, accuracy, threshold"),
        "privacy-officer": say("privacy officer: consents, requests, erasing, audit trail"),
        "admin": say("admin: accounts, system, threshold"),
        "service": say("service: a screen at a door"),
    }
    return named.get(role, role)


def roles_in_words(roles: Collection[str], language: Language) -> str:
    """In a line, each by its name alone."""
    words = (role_in_words(role, language) for role in sorted(roles))
    return ", ".join(word.partition(":")[0] for word in words)
