"""The Python recipe: facts of a project in, drafts out. Pure."""
