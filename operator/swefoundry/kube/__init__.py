"""The Kubernetes API: client, cache, work queue, rate limit."""
