"""The rules: who may be enrolled, who is this, how sure is that.

`open_service` opens a gallery for other Python software, with the same behaviour as CLI and API.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enrollment.config import Settings
    from enrollment.service import Service

__all__ = ["Service", "Settings", "open_service"]


def __getattr__(name: str) -> object:
    """Import on demand: `import enrollment.config` alone must stay quick."""
    if name in ("open_service", "Service"):
        from enrollment import service

        return getattr(service, name)
    if name == "Settings":
        from enrollment.config import Settings

        return Settings
    raise AttributeError(f"module 'enrollment' has no attribute {name!r}")
