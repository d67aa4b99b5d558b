"""The four roles: what each is asked, and what makes its answer fit."""
