"""The gallery for other software: the same service as the pages', over HTTP."""
