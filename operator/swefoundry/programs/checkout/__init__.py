"""What runs in checkout pods: two source trees become the layer that turns one into the other.

Nothing is unpacked: both archives are read as streams, compared by content, and what differs is copied from one tar
into another. Names, links and sizes are the repository's own and not trusted.
"""
