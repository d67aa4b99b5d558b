"""What the pods of an instance used, as `swefoundry why` shows it."""

from swefoundry.cli.views.page import PageSection
from swefoundry.cli.views.resources_table import COLUMNS, resources_section

USED = {"cpuSeconds": 3.25, "peakMemoryBytes": 210 << 20, "writtenBytes": 5 << 20, "peakProcesses": 14}


def test_each_probe_evaluation_and_other_pod_with_numbers_has_a_row() -> None:
    task = {
        "evaluations": [
            {"stage": "base", "repeat": 0, "code": 0, "seconds": 2.0, "measured": {"cpuSeconds": 1.0}},
            {"stage": "before", "repeat": 0, "fault": "OOMKilled"},
        ],
        "attempts": [
            {"work": "intake", "seconds": 4.0, "measured": USED},
            {"work": "base-0", "seconds": 3.0, "measured": {"cpuSeconds": 1.0}, "evidence": "sha256:0"},
        ],
    }
    build = {"rounds": [{"number": 1, "probes": [{"stage": "after", "seconds": 12.34, "measured": USED}]}]}
    assert resources_section(task, build) == PageSection(
        "Resources",
        columns=COLUMNS,
        rows=(
            ("round 1: probe after", "12.3", "3.2", "210 MiB", "5 MiB", 14),
            ("base #0", "2.0", "1.0", None, None, None),
            ("intake", "4.0", "3.2", "210 MiB", "5 MiB", 14),
        ),
    )


def test_pods_of_the_release_before_have_no_numbers_and_no_section() -> None:
    assert resources_section({"evaluations": [{"stage": "base", "repeat": 0, "code": 0}]}, {}) is None
