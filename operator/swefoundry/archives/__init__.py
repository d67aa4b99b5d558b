"""The one safe reader and extractor of tar and zip archives. Security code: everything that reads an archive uses it.

``members.read_members`` is a stream of checked members, ``extract.extract`` writes them below a folder. What differs
between callers is a value: limits (``limits``), and what happens to links, ``.git`` and unsafe members (``policy``).
"""
