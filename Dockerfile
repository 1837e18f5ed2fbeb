# One image for web, worker, beat and every `wms` command. Settings come from the environment: see the table in the README.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY . .
RUN /venv/bin/pip install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
RUN /venv/bin/wms messages --compile && WMS_STATIC_ROOT=/app/static-root /venv/bin/wms collectstatic --no-input

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin wms
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 WMS_ENV=production WMS_STATIC_ROOT=/app/static-root
WORKDIR /app
USER wms
EXPOSE 8000
CMD ["wms", "web", "--host", "0.0.0.0"]
