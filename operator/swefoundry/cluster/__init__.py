"""The Kubernetes API as swefoundry sees it: one doorway, a cache of what was seen, and a queue of what to look at."""
