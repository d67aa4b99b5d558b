"""Unit tests see no settings of the person who runs them; the ban on real models stays."""

import os

for name in [name for name in os.environ if name.startswith("SWEFOUNDRY_")]:
    if name != "SWEFOUNDRY_NO_REAL_MODELS":
        del os.environ[name]
