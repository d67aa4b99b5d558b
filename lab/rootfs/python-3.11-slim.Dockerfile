# python:3.11-slim, made of Debian bookworm's own CPython 3.11 moved to /usr/local (relocate-python.sh says how).
#
# Like the official image: python, python3, pip and `python -m venv` under /usr/local, setuptools and wheel beside pip,
# no EXTERNALLY-MANAGED marker, headers under /usr/local/include, no compiler, no git.
# Unlike it: CPython is Debian's build of bookworm's patch release; the standard library comes with bytecode; there is
# no python3-config, no static libpython, no Tk and no PYTHON_VERSION; the machine's own CA bundle and Debian mirror are set.
# The lab calls it python:3.11 too, though the official image of that name has a compiler and git.
FROM debian:bookworm-slim AS debian-python
ARG PIP_CERT PIP_INDEX_URL
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates python3-distutils python3.11-venv libpython3.11-dev
COPY relocate-python.sh /tmp/
RUN sh /tmp/relocate-python.sh 3.11 "pip==24.0 setuptools==79.0.1" "wheel==0.45.1"

FROM debian:bookworm-slim
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
COPY --from=debian-python /usr/local /usr/local
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
      ca-certificates netbase tzdata media-types \
      libbz2-1.0 libdb5.3 libexpat1 libffi8 liblzma5 libncursesw6 libnsl2 libreadline8 libsqlite3-0 libssl3 libuuid1 zlib1g \
 && PYTHONDONTWRITEBYTECODE=1 python -c "import ssl, sqlite3, lzma, bz2, ctypes, curses, readline, dbm.ndbm, uuid, zoneinfo, pip" \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
CMD ["python3"]
