# maven:3.9-eclipse-temurin-17, made of Debian bookworm's OpenJDK and the Maven that its repository has.
#
# Like the official image: the JDK under /opt/java/openjdk, Maven under /usr/share/maven, its files in /root/.m2.
# Unlike it: Debian's build of the JDK, without the modules that jlink needs; no git, no curl and no entry point; the
# machine's own CA bundle, which Java reads, too, and Debian mirror are set.
FROM debian:bookworm-slim
ENV JAVA_HOME=/opt/java/openjdk MAVEN_HOME=/usr/share/maven MAVEN_CONFIG=/root/.m2 LANG=C.UTF-8 \
    PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Packages of Java link manual pages, whose folder slim images do not have.
RUN mkdir -p /usr/share/man/man1 /opt/java && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates netbase openjdk-17-jdk-headless tzdata \
 && ln -s /usr/lib/jvm/java-17-openjdk-amd64 /opt/java/openjdk && rm -rf /opt/java/openjdk/jmods \
 && rm -rf /var/lib/apt/lists/* /var/cache/ldconfig /var/cache/debconf/*-old /var/log/* /var/lib/dpkg/*-old
COPY . /usr/share/maven
RUN ln -s /usr/share/maven/bin/mvn /usr/bin/mvn && mvn --version
CMD ["mvn"]
