"""The model client: requests, errors, stored responses, and what fits into a context window."""
