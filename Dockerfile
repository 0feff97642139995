# The wheel and its dependencies are made in one stage; the other has neither compiler nor pip's leftovers.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.txt ./
RUN python -m venv /opt/indicators \
 && /opt/indicators/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY migrations migrations
COPY seed seed
RUN /opt/indicators/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/indicators/bin/pip install --no-cache-dir --no-deps /dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home indicators && install -d -o indicators /data
COPY --from=build /opt/indicators /opt/indicators
ENV PATH=/opt/indicators/bin:$PATH HOST=0.0.0.0 PORT=8000 DATABASE_URL=sqlite:////data/indicators.db
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=2)"]
CMD ["sh", "-c", "indicators migrate && indicators publish --seed && exec indicators serve"]
