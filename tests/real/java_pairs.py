"""Pairs of releases of Maven artifacts, for `maven:3.9-eclipse-temurin-17`."""

from real.real_pair import RealPair

JAVA_PAIRS: tuple[RealPair, ...] = ()
