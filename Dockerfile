# The image of sla-exporter: the same pinned packages that "make" installs, and nothing that builds.
# Pin a digest in your own registry if your rules ask for one.

FROM python:3.12.8-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/sla-exporter
RUN /opt/sla-exporter/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY sla_exporter ./sla_exporter
COPY templates ./templates
COPY rules ./rules
RUN /opt/sla-exporter/bin/pip install --no-deps --no-build-isolation .

FROM python:3.12.8-slim-bookworm
RUN groupadd --gid 9948 sla-exporter \
 && useradd --uid 9948 --gid 9948 --no-create-home --home-dir /var/lib/sla-exporter --shell /usr/sbin/nologin sla-exporter \
 && install -d -o 9948 -g 9948 /etc/sla-exporter /var/lib/sla-exporter
COPY --from=build /opt/sla-exporter /opt/sla-exporter
ENV PATH=/opt/sla-exporter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 9948:9948
WORKDIR /var/lib/sla-exporter
# Only this folder is written to (database.path and notices.folder belong there): the root may be
# read-only.
VOLUME /var/lib/sla-exporter
EXPOSE 9948
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9948/-/ready', timeout=4)"]
ENTRYPOINT ["sla-exporter"]
CMD ["serve", "--config.file=/etc/sla-exporter/sla-exporter.yml", "--web.listen-address=0.0.0.0:9948"]
