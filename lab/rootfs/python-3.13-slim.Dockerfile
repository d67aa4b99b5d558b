# python:3.13-slim, made of Debian trixie's own CPython 3.13 moved to /usr/local (relocate-python.sh says how).
#
# Like and unlike the official image in the same points as python-3.11-slim.Dockerfile; pip alone, without setuptools
# and wheel, as the official images have it since 3.12.
FROM debian:trixie-slim AS debian-python
ARG PIP_CERT PIP_INDEX_URL
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates python3.13-venv libpython3.13-dev
COPY relocate-python.sh /tmp/
RUN sh /tmp/relocate-python.sh 3.13 "pip==25.2" ""

FROM debian:trixie-slim
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
COPY --from=debian-python /usr/local /usr/local
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
      ca-certificates netbase tzdata media-types \
      libbz2-1.0 libdb5.3t64 libexpat1 libffi8 liblzma5 libncursesw6 libreadline8t64 libsqlite3-0 libssl3t64 libuuid1 zlib1g \
 && PYTHONDONTWRITEBYTECODE=1 python -c "import ssl, sqlite3, lzma, bz2, ctypes, curses, readline, dbm.ndbm, uuid, zoneinfo, pip" \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
CMD ["python3"]
