# golang:1.N, made of the toolchain that the Go module proxy has, on Debian trixie.
#
# Like the official image: Go under /usr/local/go, GOPATH=/go, which everybody may write to.
# Unlike it: no C compiler and no git, so cgo is off; no sources of the toolchain's own programs and tests; the machine's
# own CA bundle and Debian mirror are set.
FROM debian:trixie-slim
ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go CGO_ENABLED=0
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates netbase tzdata \
 && mkdir -p /go/src /go/bin && chmod -R 1777 /go \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
COPY . /usr/local/go
RUN GOENV=off GOTOOLCHAIN=local go version
WORKDIR /go
