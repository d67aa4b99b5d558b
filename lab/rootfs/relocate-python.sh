#!/bin/sh
# Turns Debian's own interpreter into what the official python images have: a CPython whose prefix is /usr/local.
#
# usage: relocate-python.sh 3.11 "pip==24.0 setuptools==79.0.1" "wheel==0.45.1"
#                           which version, the wheels that ensurepip and `python -m venv` install, what pip adds to them
#
# Debian patches CPython so that pip cannot collide with dpkg: other install schemes (dist-packages), no ensurepip,
# EXTERNALLY-MANAGED. Under /usr/local there is nothing to collide with, so each of those patches is taken back here.
set -eu
version=$1 bundled=$2 extra=$3
stdlib=/usr/local/lib/python$version

mkdir -p "$stdlib"
cp -a "/usr/lib/python$version/." "$stdlib/"
cp -aL "/usr/bin/python$version" "/usr/local/bin/python$version"
mkdir -p /usr/local/include
cp -a "/usr/include/python$version" /usr/local/include/
cp -aL "/usr/include/$(uname -m)-linux-gnu/python$version/pyconfig.h" "/usr/local/include/python$version/pyconfig.h"

cd "$stdlib"
rm -rf dist-packages EXTERNALLY-MANAGED _distutils_system_mod.py sitecustomize.py test idlelib turtledemo config-*
find . -depth \( -name __pycache__ -o -name tests -o -name idle_test \) -exec rm -rf {} +

# Where packages are looked for and installed: site-packages of this version.
sed -i -e 's#"local/lib"#"./././lib"#; s#"dist-packages"#"site-packages"#' site.py
# Since 3.11 the interpreter carries site.py frozen inside itself; both words happen to have a twin of the same length.
"/usr/bin/python$version" - "/usr/local/bin/python$version" <<'PY'
import pathlib, re, sys
program = pathlib.Path(sys.argv[1])
code = program.read_bytes().replace(b"dist-packages", b"site-packages")
program.write_bytes(re.sub(rb"(?<=[\0\t])local/lib(?![/\x20-\x2f])", b"./././lib", code))
PY
for file in sysconfig.py sysconfig/__init__.py; do
    [ ! -f $file ] || sed -i "s#prefix_scheme = 'posix_local'#prefix_scheme = 'posix_prefix'#" $file
done
if [ -d distutils ]; then
    sed -i 's#(self.prefix_option and#(True or#' distutils/command/install.py
fi
# `python -m ensurepip` and `python -m venv` use the wheels below.
sed -i -e 's#^    _ensurepip_is_disabled_in_debian_for_system()$#    pass#' ensurepip/__init__.py
sed -i -e 's#/usr/share/python-wheels#/usr/local/share/python-wheels#' ensurepip/__init__.py _sysconfigdata_*.py
# Up to bullseye Debian also unbundles what pip carries; a pip from the index carries it.
sed -i -e 's#[, ]*"pkg_resources"[, ]*##; /os.makedirs(venv_wheel_dir/d; /copy_wheels(dependencies, venv_wheel_dir/d' \
       ensurepip/__init__.py
# Where C extensions find headers and libraries.
sed -i -e "s#/usr/include/python#/usr/local/include/python#g; s#'/usr/lib/python#'/usr/local/lib/python#g" \
       -e "s#'BINDIR': '/usr/bin'#'BINDIR': '/usr/local/bin'#; s#prefix': '/usr'#prefix': '/usr/local'#" _sysconfigdata_*.py

cd /usr/local/bin
ln -s "python$version" python3
ln -s python3 python

# Debian's own venv (it carries a pip) fetches the wheels; then everything is installed by the new interpreter.
"/usr/bin/python$version" -m venv /tmp/fetch
# shellcheck disable=SC2086  # a list of requirements, on purpose
/tmp/fetch/bin/pip download --quiet --no-deps --dest /usr/local/share/python-wheels $bundled
/usr/local/bin/python -m ensurepip --upgrade --default-pip >/dev/null
# shellcheck disable=SC2086
[ -z "$extra" ] || /usr/local/bin/python -m pip install --quiet --no-cache-dir --root-user-action=ignore $extra

# Bytecode that does not look at file times, because layers have none worth looking at.
find /usr/local/lib -depth -name __pycache__ -exec rm -rf {} +
export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
# Some packages ship files for other versions, which do not compile here.
/usr/local/bin/python -m compileall -q --invalidation-mode unchecked-hash /usr/local/lib || true
