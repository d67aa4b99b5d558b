"""What agents read: the source tree, its summary, and the tools that search it."""
