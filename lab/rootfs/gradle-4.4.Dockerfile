# gradle:4.4-jdk17, made of Debian bookworm's Gradle 4.4.1 and OpenJDK 17.
#
# Like the official image: `gradle` on the PATH, the JDK under /opt/java/openjdk.
# Unlike it: Debian's build of a release of 2018, changed to run on JDK 17, with the libraries of Debian's packages: there
# is no later one in Debian. No user `gradle`, no git, no curl; the machine's own CA bundle and Debian mirror are set.
FROM debian:bookworm-slim
ENV JAVA_HOME=/opt/java/openjdk LANG=C.UTF-8 \
    PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Packages of Java link manual pages, whose folder slim images do not have.
RUN mkdir -p /usr/share/man/man1 /opt/java && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates gradle netbase openjdk-17-jdk-headless tzdata \
 && ln -s /usr/lib/jvm/java-17-openjdk-amd64 /opt/java/openjdk && rm -rf /opt/java/openjdk/jmods \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old \
 && gradle --version
CMD ["gradle"]
