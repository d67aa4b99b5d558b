"""The OCI registry: where images, sources, overlays and evidence live. Nothing else stores data.

``registry`` speaks HTTP (the only import of httpx here); ``artifacts`` and ``stages`` say what is stored in
which shape; ``overlays`` builds the layers of stage images and is pure.
"""
