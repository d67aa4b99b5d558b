"""Dockerfiles: parser, build stages, policy, image names. Pure."""
