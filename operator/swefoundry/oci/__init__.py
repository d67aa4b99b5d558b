"""The OCI registry, which stores images, sources, overlays and evidence. Nothing else stores data.

``registry_client`` does the HTTP (the only import of httpx here); ``artifacts`` and ``stage_images`` define the
formats; ``overlays`` builds the layers of stage images and is pure.
"""
