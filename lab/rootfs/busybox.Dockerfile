# busybox:stable, made of Debian bookworm's busybox-static alone.
#
# Like the official image: one static program, every applet a link to it in /bin, /tmp open to all.
# Unlike it: Debian's choice of applets (no httpd, for one).
FROM debian:bookworm-slim AS debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static \
 && mkdir -p /made/bin /made/etc /made/root /made/tmp && chmod 1777 /made/tmp \
 && cp /bin/busybox /made/bin/ \
 && for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "/made/bin/$applet"; done \
 && printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >/made/etc/passwd \
 && printf 'root:x:0:\nnogroup:x:65534:\n' >/made/etc/group

FROM scratch
COPY --from=debian /made /
ENV PATH=/bin
CMD ["sh"]
