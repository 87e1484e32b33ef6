"""The one place that reads the environment."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from app.provider_settings import ProviderSettings
from enrollment.config import WITHOUT_DATABASE, Settings
from enrollment.errors import BadInput
from enrollment.retention_policy import RetentionPolicy

_LONGEST = 3600  # seconds that whoever was erased elsewhere may still be named for


class Environment(BaseSettings):
    """ROLLCALL_HOME, ROLLCALL_KEY, ROLLCALL_DETECTOR and the like, and the standard folders."""

    model_config = SettingsConfigDict(extra="ignore")

    rollcall_home: Path = Path("data")
    rollcall_key: str | None = None
    rollcall_key_command: str | None = None
    rollcall_keyring: str | None = None
    rollcall_new_key: str | None = None
    rollcall_other_key: str | None = None
    rollcall_key_folder: Path | None = None
    rollcall_audit_anchor: Path | None = None
    rollcall_database: str | None = None
    rollcall_index: str | None = None
    rollcall_without_database: str | None = None
    rollcall_detector: str | None = None
    rollcall_weights: Path | None = None
    rollcall_keep_suspended_days: str | None = None
    rollcall_keep_idle_days: str | None = None
    rollcall_purpose_ends: str | None = None
    rollcall_webhook_secret: str | None = None
    rollcall_oidc_issuer: str | None = None
    rollcall_oidc_client_id: str | None = None
    rollcall_oidc_client_secret: str | None = None
    rollcall_oidc_role_claim: str = "roles"
    rollcall_oidc_name: str = "OpenID Connect"
    rollcall_ray: str | None = None
    ray_auth_mode: str | None = None
    ray_auth_token: str | None = None
    ray_auth_token_path: Path | None = None
    deepface_home: Path | None = None
    xdg_config_home: Path | None = None
    xdg_cache_home: Path | None = None


def read_provider() -> ProviderSettings | None:
    """Who else signs people in; None where nobody does.

    Raises:
        BadInput: part of what is needed is missing.
    """
    environment = Environment()
    needed = {
        "ROLLCALL_OIDC_ISSUER": environment.rollcall_oidc_issuer,
        "ROLLCALL_OIDC_CLIENT_ID": environment.rollcall_oidc_client_id,
        "ROLLCALL_OIDC_CLIENT_SECRET": environment.rollcall_oidc_client_secret,
    }
    if not any(needed.values()):
        return None
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise BadInput(f"signing in through a provider also needs {', '.join(missing)}")
    return ProviderSettings(
        issuer=needed["ROLLCALL_OIDC_ISSUER"] or "",
        client_id=needed["ROLLCALL_OIDC_CLIENT_ID"] or "",
        client_secret=needed["ROLLCALL_OIDC_CLIENT_SECRET"] or "",
        role_claim=environment.rollcall_oidc_role_claim,
        name=environment.rollcall_oidc_name,
    )


def read_retention() -> RetentionPolicy:
    """When data must go.

    Raises:
        BadInput: a value is no number of days, or no day.
    """
    environment, default = Environment(), RetentionPolicy()
    suspended = _days("ROLLCALL_KEEP_SUSPENDED_DAYS", environment.rollcall_keep_suspended_days)
    idle = environment.rollcall_keep_idle_days
    return replace(
        default,
        suspended_days=default.suspended_days if suspended is None else suspended,
        idle_days=None
        if idle == "off"
        else (default.idle_days if not idle else _days("ROLLCALL_KEEP_IDLE_DAYS", idle)),
        purpose_ends=_day("ROLLCALL_PURPOSE_ENDS", environment.rollcall_purpose_ends),
    )


def _days(name: str, text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 100_000):
        raise BadInput(f"{name} is a number of days, not {text}")
    return int(text)


def _without_database(text: str | None) -> timedelta:
    if not text:
        return WITHOUT_DATABASE
    if not (text.isascii() and text.isdecimal() and int(text) <= _LONGEST):
        raise BadInput(
            f"ROLLCALL_WITHOUT_DATABASE is a number of seconds, 0 to {_LONGEST}, not {text}"
        )
    return timedelta(seconds=int(text))


def _day(name: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(f"{name} is a day as in 2027-12-31, not {text}") from error


def read_settings(actor: str, home: Path | None = None) -> Settings:
    """Settings from the environment; `home` wins over ROLLCALL_HOME.

    Raises:
        BadInput: it names two places for the key.
    """
    environment = Environment()
    sources = {
        "ROLLCALL_KEY": environment.rollcall_key,
        "ROLLCALL_KEY_COMMAND": environment.rollcall_key_command,
        "ROLLCALL_KEYRING": environment.rollcall_keyring,
    }
    given = [name for name, value in sources.items() if value]
    if len(given) > 1:
        raise BadInput(f"{' and '.join(given)} are set: one of them says where the key comes from")
    config = environment.xdg_config_home or Path.home() / ".config"
    cache = environment.xdg_cache_home or Path.home() / ".cache"
    deepface = environment.deepface_home or Path.home()
    return Settings(
        home=(home or environment.rollcall_home).expanduser(),
        key=environment.rollcall_key or None,
        key_command=environment.rollcall_key_command or None,
        keyring=environment.rollcall_keyring or None,
        key_folder=environment.rollcall_key_folder or config / "rollcall" / "keys",
        database=environment.rollcall_database or None,
        index=environment.rollcall_index or None,
        without_database=_without_database(environment.rollcall_without_database),
        detector=environment.rollcall_detector or None,
        audit_anchor=environment.rollcall_audit_anchor
        and environment.rollcall_audit_anchor.expanduser(),
        weights_home=environment.rollcall_weights or cache / "rollcall" / "weights",
        weights_search=(deepface / ".deepface" / "weights",),
        retention=read_retention(),
        actor=actor,
    )


def read_ray() -> str | None:
    """The address of the Ray cluster to work on; None: there is none."""
    return Environment().rollcall_ray or None


def has_ray_token() -> bool:
    """Is there a token for Ray, where Ray looks for one, and is it not switched off?"""
    environment = Environment()
    if environment.ray_auth_mode not in (None, "token"):
        return False
    file = environment.ray_auth_token_path or Path.home() / ".ray" / "auth_token"
    return bool(environment.ray_auth_token) or file.is_file()


def read_new_key() -> str | None:
    """The key that `keys rotate` is to put the gallery under, where the environment has one."""
    return Environment().rollcall_new_key or None


def read_other_settings(
    home: Path, key_folder: Path | None = None, database: str | None = None
) -> Settings:
    """Of another site's gallery, whose key is that of here only where one service or folder has
    both: ROLLCALL_OTHER_KEY, else its file in `key_folder` or beside ours.

    Args:
        database: where it is, if it is not in its folder; never ours.
    """
    mine = read_settings("cli", home)
    key = None if key_folder is not None else Environment().rollcall_other_key or None
    given = key is not None or key_folder is not None
    return replace(
        mine,
        key=key,
        key_command=None,
        keyring=None if given else mine.keyring,
        key_folder=(key_folder or mine.key_folder).expanduser(),
        audit_anchor=None,
        database=database,
        index=None,
    )
