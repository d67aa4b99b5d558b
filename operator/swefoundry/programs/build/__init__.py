"""What runs in a build pod: a source artifact and a Dockerfile become an image in the registry.

``build`` tells the story; ``buildah`` says what buildah is told, ``settings_for_steps`` what RUN steps are given,
``processes`` and ``logs`` run it and keep its words, ``endings`` judges how it ended, ``records`` leaves the record.
"""
