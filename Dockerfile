# Parley in a container, with nothing that it does not need and no root:
#   docker build -t parley . && docker run --read-only --tmpfs /tmp -p 127.0.0.1:7860:7860 -v parley:/data parley
# Without the offline senses (a fifth smaller): --build-arg REQUIREMENTS=requirements-hosted.lock
FROM python:3.11-slim-bookworm AS built
ARG REQUIREMENTS=requirements.lock
WORKDIR /app
COPY requirements* ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-compile --require-hashes --no-deps -r "$REQUIREMENTS"
COPY . .
# Bytecode that is there already: the root cannot be written to, and a start would compile it each time.
RUN /venv/bin/python -m compileall -q -j 0 /venv/lib /app || true

FROM python:3.11-slim-bookworm
RUN useradd --uid 1000 --no-create-home --home-dir /data parley && install -d -m 700 -o parley -g parley /data
COPY --from=built /venv /venv
COPY --from=built /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PARLEY_HOST=0.0.0.0 PARLEY_DATA_DIR=/data
USER parley
WORKDIR /app
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=60s --interval=15s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]
