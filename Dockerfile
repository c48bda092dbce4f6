# The portal, its worker and its beat: one image, three commands (docker-compose.yml).
FROM python:3.11-slim-bookworm AS packages
# `ocr` adds what reads scans, some 340 MB.
ARG REQUIREMENTS=base
COPY requirements /tmp/requirements
RUN python -m venv /srv/venv \
 && /srv/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps \
      -r /tmp/requirements/$REQUIREMENTS.txt

FROM python:3.11-slim-bookworm
# What WeasyPrint prints with; without libharfbuzz-subset0 a Chinese PDF takes fifty times as long.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz0b libharfbuzz-subset0 \
      fonts-noto-cjk tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /srv/vouchers --shell /usr/sbin/nologin vouchers \
 && install -d -o vouchers -g vouchers /srv/vouchers /srv/media /srv/static
COPY --from=packages /srv/venv /srv/venv
WORKDIR /srv/vouchers
COPY manage.py LICENSE ./
COPY accounts accounts
COPY applicants applicants
COPY audit audit
COPY config config
COPY providers providers
COPY vouchers vouchers
COPY templates templates
COPY static static
ENV PATH=/srv/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings MEDIA_ROOT=/srv/media STATIC_ROOT=/srv/static
USER vouchers
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "4", "--threads", "4", "--timeout", "60", \
     "--no-control-socket", "--max-requests", "2000", "--max-requests-jitter", "200", "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-"]
