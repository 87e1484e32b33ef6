"""The door's screen as HTML: a word, a sign and a colour, so that each is understood alone.

How large: a letter is read with ease from a distance of 170 times its height (20 minutes of arc,
ISO 9241-303), so from 2 m it is at least 12 mm high, and 20 mm reads well. A capital is 0.7 of its
font's size. At 10 % of the screen's width that makes 15 mm on a tablet (217 mm wide) and 24 mm on a
screen of 15.6 inches (344 mm wide).
"""

from html import escape
from urllib.parse import quote

from app.door_face import DoorFace

_HEADLINE = "10vw"
_DETAIL = "4.5vw"
_DRAWN = {
    "known": "<path d='M14 54 L40 80 L86 24'/>",
    "unknown": "<path d='M30 32 a20 18 0 1 1 28 18 q-8 5 -8 16 M50 86 v1'/>",
    "checking": "<path d='M18 50 v1 M50 50 v1 M82 50 v1' stroke-width='16'/>",
    "ready": "<path d='M8 50 q42 -52 84 0 q-42 52 -84 0'/><circle cx='50' cy='50' r='13'/>",
    "turn_left": "<path d='M88 50 H14 M42 20 L12 50 L42 80'/>",
    "turn_right": "<path d='M12 50 H86 M58 20 L88 50 L58 80'/>",
    "refused": "<circle cx='50' cy='50' r='40'/><path d='M22 22 L78 78'/>",
    "fault": "<path d='M50 10 L94 88 H6 Z M50 40 v20 M50 74 v1'/>",
    "off": "<circle cx='50' cy='50' r='40'/><path d='M50 26 v26 l18 12'/>",
}


def _drawing(state: str) -> str:
    """Streamlit lets no SVG into HTML, but a style may have one."""
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100' fill='none' stroke='#000' "
        f"stroke-width='9' stroke-linecap='round'>{_DRAWN[state]}</svg>"
    )
    return f'.door-{state}::before {{ --drawn: url("data:image/svg+xml,{quote(svg)}"); }}'


STYLE = f"""<style>
[data-testid="stHeader"], [data-testid="stSidebar"], [data-testid="stToolbar"],
[data-testid="stExpandSidebarButton"], [data-testid="stStatusWidget"] {{ display: none; }}
[data-testid="stMainBlockContainer"] {{ max-width: none; padding: 0.75rem; }}
[data-stale="true"] {{ opacity: 1 !important; }}
.door {{
  box-sizing: border-box; display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 2vmin; min-height: 54vh; padding: 3vmin; text-align: center;
  border: 1.6vmin solid; border-radius: 3vmin; overflow-wrap: anywhere;
}}
.door::before {{
  content: ""; width: 16vmin; height: 16vmin; flex: none; background: currentColor;
  mask: var(--drawn) center / contain no-repeat;
}}
{" ".join(_drawing(state) for state in _DRAWN)}
.door b {{ font-size: {_HEADLINE}; line-height: 1.1; font-weight: 700; }}
.door span {{ font-size: max({_DETAIL}, 1.25rem); line-height: 1.25; }}
.door-off, .door-ready {{ background: #22303f; color: #fff; border-color: #9fb3c8; }}
.door-checking, .door-turn_left, .door-turn_right {{
  background: #1b4a8a; color: #fff; border-color: #cfe0ff; border-style: dotted;
}}
.door-known {{ background: #0b6b33; color: #fff; border-color: #c6f3d6; }}
.door-unknown {{ background: #f2a900; color: #000; border-color: #000; border-style: dashed; }}
.door-refused {{ background: #3f454e; color: #fff; border-color: #fff; border-style: dashed; }}
.door-fault {{ background: #7a1f1f; color: #fff; border-color: #fff; border-style: double; }}
.st-key-door-camera {{ max-width: 17rem; }}
.st-key-door-not-recognised button {{ font-size: 1.5rem; min-height: 4.5rem; }}
.st-key-door-not-recognised button p {{ font-size: 1.5rem; }}
a.door-leave {{ color: inherit; font-size: 0.9rem; }}
</style>"""


# The sign is put in anew at each change, so it is what it stands in that screen readers watch.
READ_ALOUD = """<script>
for (const sign of document.querySelectorAll(".st-key-door-sign")) {
  sign.setAttribute("role", "status");
  sign.setAttribute("aria-live", "polite");
}
</script>"""


def sign(face: DoorFace) -> str:
    """HTML; nothing of the face's words is taken for markup."""
    detail = f"<span>{escape(face.detail)}</span>" if face.detail else ""
    return f'<div class="door door-{face.state}"><b>{escape(face.headline)}</b>{detail}</div>'


def way_out(label: str) -> str:
    """A link to the first page, which ends the camera too."""
    return f'<a class="door-leave" href="./" target="_self">{escape(label)}</a>'
