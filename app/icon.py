"""The sign in the browser's tab. Drawn here: Streamlit would fetch its own ones from the web."""

from PIL import Image, ImageDraw

_SIDE = 64
_COLOUR = "#1f5fbf"


def icon() -> Image.Image:
    """A head and shoulders."""
    picture = Image.new("RGBA", (_SIDE, _SIDE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((18, 4, 46, 32), fill=_COLOUR)
    draw.pieslice((6, 36, 58, 92), 180, 360, fill=_COLOUR)
    return picture
