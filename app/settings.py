"""The one place that reads the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from enrollment.config import Settings


class Environment(BaseSettings):
    """ROLLCALL_HOME, ROLLCALL_KEY, ROLLCALL_DETECTOR and the like, and the standard folders."""

    model_config = SettingsConfigDict(extra="ignore")

    rollcall_home: Path = Path("data")
    rollcall_key: str | None = None
    rollcall_key_folder: Path | None = None
    rollcall_audit_anchor: Path | None = None
    rollcall_detector: str | None = None
    rollcall_weights: Path | None = None
    rollcall_webhook_secret: str | None = None
    deepface_home: Path | None = None
    xdg_config_home: Path | None = None
    xdg_cache_home: Path | None = None


def read_settings(actor: str, home: Path | None = None) -> Settings:
    """Settings from the environment; `home` wins over ROLLCALL_HOME."""
    environment = Environment()
    config = environment.xdg_config_home or Path.home() / ".config"
    cache = environment.xdg_cache_home or Path.home() / ".cache"
    deepface = environment.deepface_home or Path.home()
    return Settings(
        home=(home or environment.rollcall_home).expanduser(),
        key=environment.rollcall_key or None,
        key_folder=environment.rollcall_key_folder or config / "rollcall" / "keys",
        detector=environment.rollcall_detector or None,
        audit_anchor=environment.rollcall_audit_anchor
        and environment.rollcall_audit_anchor.expanduser(),
        weights_home=environment.rollcall_weights or cache / "rollcall" / "weights",
        weights_search=(deepface / ".deepface" / "weights",),
        actor=actor,
    )
