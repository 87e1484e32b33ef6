"""Which wording a person agreed to, as doors show it."""

from store.consent import version_of as consent_version

__all__ = ["consent_version"]
