# rust:1.96-slim, made of the Rust that Debian bookworm has for its browsers.
#
# Like the official image: CARGO_HOME=/usr/local/cargo, a C compiler as the linker.
# Unlike it: Debian's build of the toolchain under /usr/bin, without rustup, clippy and rustfmt; the machine's own CA bundle
# and Debian mirror are set.
FROM debian:bookworm-slim
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates cargo-web gcc libc6-dev netbase rustc-web tzdata \
 && mkdir -p /usr/local/cargo && chmod 1777 /usr/local/cargo \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
RUN rustc --version && cargo --version
