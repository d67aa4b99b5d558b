"""One piece of work in one pod, attempt by attempt: what both resources do with pods, and the world they do it in."""
