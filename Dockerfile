# Rollcall as a container; compose.yaml runs it behind a TLS proxy. No key, no gallery and no weights
# are in it: they come as volumes.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/rollcall
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# As the Makefile does it: every file by its sha256, and what is built is built by what is locked.
COPY constraints.txt ./
COPY locks/build.txt locks/
RUN /opt/rollcall/bin/pip install --require-hashes --only-binary :all: -r locks/build.txt \
    && /opt/rollcall/bin/pip install --require-hashes --only-binary :all: \
      --no-binary face_recognition_models --no-build-isolation -r constraints.txt
COPY . .
RUN /opt/rollcall/bin/pip install --no-deps --no-build-isolation . \
    && /opt/rollcall/bin/pip check

FROM python:3.11.14-slim-bookworm
# OpenCV may want libGL and glib; names are written into live pictures with DejaVu.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-dejavu-core libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 rollcall \
    && useradd --system --uid 10001 --gid rollcall --home-dir /tmp --shell /usr/sbin/nologin rollcall \
    && install -d -m 0700 -o rollcall -g rollcall /gallery /keys /weights
COPY --from=build /opt/rollcall /opt/rollcall
# HOME: what libraries want to write goes where the container's tmpfs is.
ENV PATH=/opt/rollcall/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    ROLLCALL_HOME=/gallery \
    ROLLCALL_KEY_FOLDER=/keys \
    ROLLCALL_WEIGHTS=/weights
# As a number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /gallery
VOLUME ["/gallery", "/keys", "/weights"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/api/v1/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["rollcall"]
CMD ["serve"]
