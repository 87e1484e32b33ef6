"""An open page leaves by itself when its session has ended, wherever that was done, or when
somebody else has signed in beside it in the same browser."""

import streamlit as st

from app.addresses import SIGN_IN, STATE

# Beside Streamlit's own line to the server, which by then is cut.
_SCRIPT = f"""<script>
if (!window.rollcallWatch) {{
  window.rollcallWatch = setInterval(async () => {{
    try {{
      const answer = await fetch("{STATE}", {{cache: "no-store"}});
      const session = (await answer.json()).session;
      window.rollcallSession ??= session;
      if (answer.status === 401 || session !== window.rollcallSession) {{
        clearInterval(window.rollcallWatch);
        window.location.assign("{SIGN_IN}?next=" + encodeURIComponent(window.location.pathname));
      }}
    }} catch (error) {{}}
  }}, 2000);
}}
</script>"""


def watch_session() -> None:
    st.html(_SCRIPT, unsafe_allow_javascript=True)
