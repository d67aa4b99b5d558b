# maven:3.9-eclipse-temurin-8, made of Debian trixie with the OpenJDK that only unstable has, and the Maven that its
# repository has.
#
# Like and unlike the official image in the same points as maven-17.Dockerfile.
FROM debian:trixie-slim
ENV JAVA_HOME=/opt/java/openjdk MAVEN_HOME=/usr/share/maven MAVEN_CONFIG=/root/.m2 LANG=C.UTF-8 \
    PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Packages of Java link manual pages, whose folder slim images do not have. Unstable's priority is too low for
# what trixie has; a mirror may be some weeks old.
RUN mkdir -p /usr/share/man/man1 /opt/java \
 && awk -v RS= 'NR == 1' /etc/apt/sources.list.d/*.sources \
  | sed 's/^Suites: .*/Suites: sid\nCheck-Valid-Until: no/' > /tmp/sid.sources \
 && mv /tmp/sid.sources /etc/apt/sources.list.d \
 && printf 'Package: *\nPin: release n=sid\nPin-Priority: 100\n' > /etc/apt/preferences.d/sid \
 && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates netbase openjdk-8-jdk-headless tzdata \
 && ln -s /usr/lib/jvm/java-8-openjdk-amd64 /opt/java/openjdk \
 && rm -rf /etc/apt/sources.list.d/sid.sources /etc/apt/preferences.d/sid \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
COPY . /usr/share/maven
RUN ln -s /usr/share/maven/bin/mvn /usr/bin/mvn && mvn --version
CMD ["mvn"]
