# registry:2, made of Debian bookworm's docker-registry program on debian:bookworm-slim.
#
# Like the official image: /bin/registry, its configuration in /etc/docker/registry/config.yml, storage in
# /var/lib/registry, port 5000, and REGISTRY_* variables override the configuration.
# Unlike it: Debian below instead of Alpine, and Debian's version of the registry (2.8).
FROM debian:bookworm-slim AS debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-registry

FROM debian:bookworm-slim
COPY --from=debian /usr/bin/docker-registry /bin/registry
RUN mkdir -p /etc/docker/registry /var/lib/registry \
 && printf '%s\n' 'version: 0.1' 'log: {fields: {service: registry}}' \
      'storage: {cache: {blobdescriptor: inmemory}, filesystem: {rootdirectory: /var/lib/registry}}' \
      'http: {addr: ":5000", headers: {X-Content-Type-Options: [nosniff]}}' \
      'health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}}' >/etc/docker/registry/config.yml
VOLUME /var/lib/registry
EXPOSE 5000
ENTRYPOINT ["/bin/registry"]
CMD ["serve", "/etc/docker/registry/config.yml"]
