"""Keys in the operating system's own keyring, where the optional library for it is installed."""

from typing import Any

from store.errors import KeyMissing
from wording.message import message


def read(service: str, names: tuple[str, ...]) -> str:
    """The first of these entries that is there. Raises KeyMissing when none is."""
    library = _library()
    try:
        for name in names:
            found = library.get_password(service, name)
            if found:
                return str(found)
    except library.errors.KeyringError as error:
        raise _refused(error) from error
    raise KeyMissing(
        message(
            "the keyring has no entry {name} of {service}; put the gallery's key there: "
            "keyring set {service} {name}",
            name=names[-1],
            service=service,
        )
    )


def keep(service: str, name: str, text: str) -> None:
    """Raises KeyMissing when the keyring takes nothing."""
    library = _library()
    try:
        library.set_password(service, name, text)
    except library.errors.KeyringError as error:
        raise _refused(error) from error


def _refused(error: Exception) -> KeyMissing:
    return KeyMissing(
        message("the operating system's keyring cannot be used: {error}", error=str(error))
    )


def _library() -> Any:  # noqa: ANN401 - it may not be installed
    try:
        import keyring
    except ModuleNotFoundError as error:
        raise KeyMissing(
            message(
                "ROLLCALL_KEYRING needs the library keyring: pip install 'rollcall[keyring]'; "
                "or name a command in ROLLCALL_KEY_COMMAND"
            )
        ) from error
    return keyring
