"""The script of the web pages: Streamlit runs it anew at every interaction."""

from app.keras_state import keep_keras_state
from app.pages import show
from app.settings import read_settings
from app.shared_service import shared_service, shared_tasks
from app.uploads import keep_uploads_in_memory

keep_uploads_in_memory()
keep_keras_state()
show(lambda: shared_service(read_settings("web")), shared_tasks())
