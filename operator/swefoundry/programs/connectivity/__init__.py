"""The program of connections pods: what the pods of a role reach, and what they do not."""
