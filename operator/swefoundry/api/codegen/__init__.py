"""Generated files: CRDs, the reference of both resources and of the settings."""
