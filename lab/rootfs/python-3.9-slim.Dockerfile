# python:3.9-slim, made of Debian bullseye's own CPython 3.9 moved to /usr/local (relocate-python.sh says how).
#
# Like and unlike the official image in the same points as python-3.11-slim.Dockerfile.
FROM debian:bullseye-slim AS debian-python
ARG PIP_CERT PIP_INDEX_URL
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates python3-distutils python3.9-venv libpython3.9-dev
COPY relocate-python.sh /tmp/
RUN sh /tmp/relocate-python.sh 3.9 "pip==23.0.1 setuptools==58.1.0" "setuptools==79.0.1 wheel==0.45.1"

FROM debian:bullseye-slim
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
COPY --from=debian-python /usr/local /usr/local
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
      ca-certificates netbase tzdata media-types \
      libbz2-1.0 libdb5.3 libexpat1 libffi7 liblzma5 libncursesw6 libnsl2 libreadline8 libsqlite3-0 libssl1.1 libuuid1 zlib1g \
 && PYTHONDONTWRITEBYTECODE=1 python -c "import ssl, sqlite3, lzma, bz2, ctypes, curses, readline, dbm.ndbm, uuid, zoneinfo, pip" \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
CMD ["python3"]
