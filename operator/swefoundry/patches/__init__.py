"""Parsing of patches, and the rules by which a patch is refused before it is applied. Pure."""
