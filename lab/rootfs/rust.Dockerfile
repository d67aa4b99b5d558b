# rust:1.N-slim, made of the machine's rustup toolchain, on Debian trixie.
#
# Like the official image: CARGO_HOME=/usr/local/cargo, a C compiler as the linker.
# Unlike it: the toolchain under /usr/local/rustup without rustup, documentation, clippy and rustfmt; the machine's own CA
# bundle and Debian mirror are set.
FROM debian:trixie-slim
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/rustup/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev netbase tzdata \
 && mkdir -p /usr/local/cargo && chmod 1777 /usr/local/cargo \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
COPY . /usr/local/rustup
RUN rustc --version && cargo --version
