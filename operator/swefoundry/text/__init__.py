"""Text for people: excerpts of logs, plurals. Pure."""
