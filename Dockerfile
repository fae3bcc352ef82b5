# Qasedak in a container: `make image`, then
#   docker run -v qasedak:/data -v ./feeds.yaml:/app/feeds.yaml:ro --env-file .env -p 127.0.0.1:8080:8080 \
#     -e QASEDAK_HTTP_HOST=0.0.0.0 -e QASEDAK_HTTP_TOKEN=choose-one qasedak
# or, with PostgreSQL, deploy/compose.yaml.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements-scale.lock pyproject.toml README.md LICENSE ./
COPY bot bot
RUN python -m venv /opt/qasedak \
    && /opt/qasedak/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-scale.lock \
    && /opt/qasedak/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home qasedak
COPY --from=build /opt/qasedak /opt/qasedak
WORKDIR /app
COPY feeds.yaml ./
COPY examples examples
ENV PATH=/opt/qasedak/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/qasedak.db \
    QASEDAK_LOG=json
USER qasedak
VOLUME /data
EXPOSE 8080
# Whether it answers; with the pages off there is nobody to ask. Not /readyz: an outage of Telegram needs no restart.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; p = os.environ.get('QASEDAK_HTTP_PORT') or '8080'; p == '0' or r.urlopen(f'http://127.0.0.1:{p}/healthz', timeout=4)"]
# SIGTERM finishes the sends under way; 20 s are enough for it.
STOPSIGNAL SIGTERM
CMD ["qasedak", "run"]
