"""Debian's packages with the headers, libraries and programs that builds of Python distributions miss."""

import re
from collections.abc import Iterator

_C = ("gcc", "libc6-dev")

_PACKAGES_BY_LIBRARY = {
    "default-libmysqlclient-dev": "mysql.h mysql/ mysqlclient mariadbclient mariadb",
    "freetds-dev": "sqlfront.h sybdb.h sybdb ct",
    "libaio-dev": "libaio.h aio",
    "libattr1-dev": "attr/",
    "libacl1-dev": "sys/acl.h acl/ acl",
    "libasound2-dev": "alsa/ asound alsa",
    "libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libswscale-dev": "libavcodec/ libavformat/"
    " libavcodec libavformat libavdevice",
    "libblas-dev liblapack-dev gfortran": "cblas.h blas lapack openblas",
    "libbluetooth-dev": "bluetooth/ bluetooth",
    "libboost-all-dev": "boost/ boost",
    "libbz2-dev": "bzlib.h bz2",
    "libcairo2-dev": "cairo.h cairo/ cairo",
    "libcap-dev": "sys/capability.h cap",
    "libcups2-dev": "cups/ cups",
    "libcurl4-openssl-dev libssl-dev": "curl/ curl libcurl",
    "libdb-dev": "db.h db",
    "libdbus-1-dev libglib2.0-dev": "dbus/ dbus-1 glib-2.0 dbus-glib-1 glib.h",
    "libenchant-2-dev": "enchant.h enchant",
    "libev-dev": "ev.h ev",
    "libevent-dev": "event.h event2/ event",
    "libexpat1-dev": "expat.h expat",
    "libffi-dev": "ffi.h ffi libffi",
    "libfreetype6-dev": "ft2build.h freetype/ freetype freetype2",
    "libfuse-dev": "fuse.h fuse/ fuse",
    "libgdal-dev": "gdal.h gdal/ gdal",
    "libgdbm-dev": "gdbm.h gdbm",
    "libgeos-dev": "geos_c.h geos_c geos",
    "libgirepository1.0-dev": "girepository.h gobject-introspection-1.0",
    "libgit2-dev": "git2.h git2/ git2 libgit2",
    "libgmp-dev": "gmp.h gmp",
    "libgpgme-dev": "gpgme.h gpgme",
    "libgraphviz-dev": "graphviz/ cgraph graphviz cdt",
    "libhdf5-dev": "hdf5.h hdf5",
    "libicu-dev": "unicode/ icuuc icui18n icu-i18n icu-uc",
    "libimagequant-dev": "libimagequant.h imagequant",
    "libjpeg-dev": "jpeglib.h jpeg libjpeg",
    "libkrb5-dev": "gssapi.h gssapi/ krb5.h krb5/ gssapi_krb5 krb5 krb5-gssapi",
    "liblcms2-dev": "lcms2.h lcms2 littlecms2 lcms littlecms",
    "libldap2-dev libsasl2-dev": "lber.h ldap.h sasl/ sasl.h ldap lber sasl2",
    "liblz4-dev": "lz4.h lz4",
    "liblzma-dev": "lzma.h lzma",
    "liblzo2-dev": "lzo/ lzo2",
    "libmagic-dev": "magic.h magic",
    "libmemcached-dev": "libmemcached/ memcached",
    "libmpc-dev": "mpc.h mpc",
    "libmpfr-dev": "mpfr.h mpfr",
    "libncurses-dev": "ncurses.h curses.h ncurses ncursesw tinfo",
    "libnetfilter-queue-dev": "libnetfilter_queue/",
    "libopenjp2-7-dev": "openjpeg.h openjp2 jpeg2000 libopenjp2",
    "libpcap-dev": "pcap.h pcap",
    "libpcre3-dev": "pcre.h pcre",
    "libpng-dev": "png.h png libpng",
    "libportaudio2 portaudio19-dev": "portaudio.h portaudio",
    "libpq-dev": "libpq-fe.h pq libpq",
    "libproj-dev": "proj_api.h proj.h proj",
    "libprotobuf-dev protobuf-compiler": "google/protobuf/ protobuf",
    "libqpdf-dev": "qpdf/ qpdf",
    "libre2-dev": "re2/ re2",
    "libreadline-dev": "readline/ readline",
    "libsdl2-dev": "SDL.h SDL2/ SDL2 sdl2",
    "libseccomp-dev": "seccomp.h seccomp",
    "libsnappy-dev": "snappy-c.h snappy.h snappy",
    "libsndfile1-dev": "sndfile.h sndfile",
    "libsodium-dev": "sodium.h sodium libsodium",
    "libspatialindex-dev": "spatialindex/ spatialindex_c",
    "libsqlite3-dev": "sqlite3.h sqlite3",
    "libssl-dev": "openssl/ ssl crypto openssl",
    "libsystemd-dev": "systemd/ systemd libsystemd",
    "libtiff-dev": "tiff.h tiffio.h tiff libtiff",
    "libudev-dev": "libudev.h udev libudev",
    "libusb-1.0-0-dev": "libusb.h libusb-1.0/ usb-1.0 libusb-1.0",
    "libuv1-dev": "uv.h uv libuv",
    "libvirt-dev": "libvirt/ virt libvirt",
    "libwebp-dev": "webp/ webp libwebp webpmux webpdemux",
    "libxml2-dev libxslt1-dev": "libxml/ libxslt/ libexslt/ xml2 xslt exslt libxml2 libxslt libxml-2.0",
    "libxmlsec1-dev libxml2-dev": "xmlsec/ xmlsec1 xmlsec",
    "libyaml-dev": "yaml.h yaml libyaml",
    "libzmq3-dev": "zmq.h zmq libzmq",
    "libzstd-dev": "zstd.h zstd",
    "linux-libc-dev": "linux/",
    "python3-dev": "Python.h",
    "unixodbc-dev": "sql.h sqlext.h odbc",
    "uuid-dev": "uuid/ uuid",
    "zlib1g-dev": "zlib.h z zlib",
}
"""Packages -> their headers and folders of headers, then their names for linkers, pkg-config and messages."""

_PACKAGES_BY_PROGRAM = {
    "cargo": "rustc cargo",
    "cmake": "cmake make gcc g++",
    "curl-config": "libcurl4-openssl-dev libssl-dev gcc libc6-dev",
    "freetype-config": "libfreetype6-dev gcc libc6-dev",
    "gdal-config": "libgdal-dev gcc g++ libc6-dev",
    "geos-config": "libgeos-dev gcc libc6-dev",
    "gfortran": "gfortran gcc libc6-dev",
    "git": "git",
    "krb5-config": "libkrb5-dev gcc libc6-dev",
    "make": "make gcc libc6-dev",
    "mysql_config": "default-libmysqlclient-dev gcc libc6-dev pkg-config",
    "pg_config": "libpq-dev gcc libc6-dev",
    "pkg-config": "pkg-config gcc libc6-dev",
    "protoc": "protobuf-compiler",
    "rustc": "rustc cargo",
    "swig": "swig",
    "xml2-config": "libxml2-dev libxslt1-dev gcc libc6-dev",
    "xslt-config": "libxml2-dev libxslt1-dev gcc libc6-dev",
}

_MISSING_HEADER = re.compile(r"fatal error: ([\w./+-]+): No such file")
_MISSING_LIBRARY = (
    re.compile(r"cannot find -l([\w.+-]+?):?(?:\s|$)"),
    re.compile(r"(?:No package|Package) '?([\w.+-]+?)'?(?:,| was not found|,? .*not found| found)"),
    re.compile(r"[Dd]ependency \"?([\w.+-]+)\"? (?:was )?not found|Could NOT find (\w+)"),
    re.compile(r"could not be found for (\w+)|(\w+) is required unless explicitly disabled"),
    re.compile(
        r"\b([\w.+-]+) (?:and ([\w.+-]+) )?(?:development|header|devel) (?:packages?|files?|headers?)"
    ),
)
"""Messages of linkers, pkg-config, Meson, CMake, and of setup.py files."""

_NAMED_HEADER = re.compile(r"[\"']([\w./+-]+\.h)[\"']")


def _by_name() -> dict[str, str]:
    return {
        name.lower(): packages for packages, names in _PACKAGES_BY_LIBRARY.items() for name in names.split()
    }


_PACKAGES_BY_NAME = _by_name()


def missing_libraries(log: str) -> frozenset[str]:
    """Return packages with the headers and libraries that a log misses, and a compiler, when there are any."""
    headers = [_packages_with_header(header) for header in _MISSING_HEADER.findall(log)]
    found = (
        name.lower()
        for pattern in _MISSING_LIBRARY
        for match in pattern.finditer(log)
        for name in match.groups()
        if name
    )
    return _with_compiler({*headers, *(_PACKAGES_BY_NAME.get(name, "") for name in found)})


def libraries_of_headers_in(text: str) -> frozenset[str]:
    """Return packages with the headers that a setup.py looks for."""
    return _with_compiler({_packages_with_header(header) for header in _NAMED_HEADER.findall(text)})


def missing_programs(log: str) -> Iterator[frozenset[str]]:
    """Yield the packages of each program that a log misses."""
    for program, packages in _PACKAGES_BY_PROGRAM.items():
        pattern = (
            rf"(?:No such file or directory: |/bin/sh: .*|command )['\"]?{program}['\"]?(?:: not found)?"
            r"(?:\\n)?['\"]?\s*$"
        )
        if re.search(pattern, log, re.M):
            yield frozenset(packages.split())


def _packages_with_header(header: str) -> str:
    """Return the packages with a header, or with the folder that it is in."""
    parts = header.lower().split("/")
    folders = ["/".join(parts[:count]) + "/" for count in range(len(parts) - 1, 0, -1)]
    return next(filter(None, (_PACKAGES_BY_NAME.get(name) for name in (header.lower(), *folders))), "")


def _with_compiler(packages: set[str]) -> frozenset[str]:
    names = {name for item in packages for name in item.split()}
    return frozenset({*names, *_C}) if names else frozenset()
