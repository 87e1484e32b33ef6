"""Where signing in is done, beside the pages and the API."""

SIGN_IN, PASSWORD, STATE = "/sign-in", "/password", "/session"
PROVIDER, PROVIDER_BACK = f"{SIGN_IN}/provider", f"{SIGN_IN}/back"
