"""No test ever asks a real model: endpoints refuse every address but this machine's own and names of nobody (RFC 2606).

Tests that need a model run one of their own on loopback.
"""

import os

os.environ["SWEFOUNDRY_NO_REAL_MODELS"] = "1"
