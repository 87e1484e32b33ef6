"""What becomes of an upload on its way into the server's memory."""

from starlette.formparsers import MultiPartParser

from enrollment.handed_in import MAX_HANDED_IN

_MARGIN = 1024**2  # what a form adds to its file


def keep_uploads_in_memory() -> None:
    """Let no photo touch the disk. Starlette puts what is larger than 1 MB into temporary files,
    in clear; Streamlit reads it from there into memory anyway."""
    MultiPartParser.spool_max_size = MAX_HANDED_IN + _MARGIN
