"""The program of build pods: makes an image in the registry from a source artifact and a Dockerfile.

``run`` is the sequence of steps; ``buildah`` has command lines and configuration files, ``step_environment`` what RUN
steps get, ``log_parser`` and ``failure_classifier`` how a build ended.
"""
