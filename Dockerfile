# pilah in a container: docker build --tag pilah .
# Photos go in and answers come out; nothing is written, and nothing is sent.

FROM python:3.11-slim-bookworm AS build

# `api` for `pilah serve`, `app` for `pilah app`; compose.yaml builds both.
ARG EXTRA=api

WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY docs/MODEL_CARD.md docs/failures.png docs/
COPY src src
RUN python -m venv --without-pip /opt/pilah \
    && pip --python /opt/pilah/bin/python install --no-cache-dir --constraint constraints.txt \
        ".[${EXTRA},heif]"

FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="pilah" \
      org.opencontainers.image.licenses="MIT"

# With two arenas, what photos took goes back to the system.
ENV PATH=/opt/pilah/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072

COPY --from=build /opt/pilah /opt/pilah

WORKDIR /tmp
USER 10001:10001
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=12)"]

ENTRYPOINT ["pilah"]
CMD ["serve", "--address", "0.0.0.0", "--api-key-file", "/run/secrets/api_key"]
