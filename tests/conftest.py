"""No test ever asks a real model, and none depends on how fast the machine is or on chance.

Endpoints refuse every address but this machine's own and names of nobody (RFC 2606): tests that need a model run one
of their own on loopback. Hypothesis tries the same examples each time and gives each as long as it takes; to look for
new ones: `pytest --hypothesis-profile=default`.
"""

import os

from hypothesis import settings

os.environ["SWEFOUNDRY_NO_REAL_MODELS"] = "1"
settings.load_profile("ci")


def pytest_xdist_auto_num_workers() -> int:
    """Two more processes than processors for `-n auto`: tests wait for processes and servers much of their time."""
    return (os.cpu_count() or 1) + 2
