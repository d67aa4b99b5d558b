"""The program of checkout pods: makes the layer that turns one source tree into another.

Nothing is unpacked: both archives are read as streams, compared by content, and what differs is copied from one tar
into another. Names, links and sizes are the repository's own and not trusted.
"""
