#!/bin/sh
# debian:<suite>-slim, made of `debootstrap --variant=minbase <suite>` from this machine's Debian mirror.
#
# usage: debian-slim.sh ROOT        ROOT: what debootstrap left
#
# Like the official image: minbase packages, no documentation, manual pages or translations (and dpkg is told to leave
# them out of what is installed later), apt keeps no archives, no package lists, no compiler, no git, no Python.
# Unlike it: the packages are the mirror's of the day it was made, without security updates; the machine's CA bundle is
# there although the package ca-certificates is not; apt's sources name the machine's own mirror.
set -eu
cd "$1"

cat >etc/dpkg/dpkg.cfg.d/docker <<'CONF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
force-unsafe-io
CONF
cat >etc/apt/apt.conf.d/docker <<'CONF'
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
APT::Keep-Downloaded-Packages "false";
Binary::apt::APT::Keep-Downloaded-Packages "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
CONF
# Packages must not start services while an image is built.
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d

find usr/share/doc -mindepth 2 ! -type d ! -name copyright -delete
find usr/share/doc -mindepth 1 -type d -empty -delete
rm -rf usr/share/groff usr/share/info/* usr/share/linda usr/share/lintian usr/share/locale/* usr/share/man/*
rm -rf var/cache/apt/archives/*.deb var/cache/apt/*.bin var/cache/debconf/*-old var/cache/ldconfig var/lib/apt/lists/*
rm -rf var/lib/dpkg/*-old etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/.pwd.lock dev/* tmp/* run/*
find var/log -type f -delete
# debootstrap copies these two from the machine; the container runtime writes its own.
rm -f etc/hostname etc/resolv.conf etc/apt/sources.list
mkdir -p run/lock
chmod 1777 run/lock
: >etc/machine-id
# The day on which each account's password was last changed; otherwise an image made tomorrow would be another one.
sed -i 's/^\([^:]*:[^:]*\):[0-9]*:/\1:18518:/' etc/shadow
