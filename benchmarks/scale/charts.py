"""`python benchmarks/scale/charts.py FILE`: Mermaid charts of a run of `benchmarks/scale --out FILE`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

POINTS = 40
"""Points of each line."""

Moment = dict[str, Any]


def main() -> None:
    """Print the charts of each run in the file."""
    for result in json.loads(Path(sys.argv[1]).read_text()):
        print("\n\n".join(charts(result)))


def charts(result: dict[str, Any]) -> list[str]:
    """What changes while a batch runs: instances that have ended, places in use, memory."""
    moments = result["moments"]
    number = f"{result['instances']:,} instances"
    return [
        chart(f"Ended, of {number}", "instances", moments, lambda moment: moment["ended"]),
        chart(
            f"Evaluations in places, {number}", "pods", moments, lambda m: m["active"].get("evaluation", 0)
        ),
        chart(f"Memory of the operator, {number}", "MiB", moments, lambda moment: moment["resident_mib"]),
    ]


def chart(title: str, unit: str, moments: list[Moment], value: Callable[[Moment], float]) -> str:
    """One line over the minutes of the run; each point is the mean of its part of the run."""
    end = moments[-1]["seconds"]
    parts: list[list[float]] = [[] for _ in range(POINTS)]
    for moment in moments:
        parts[min(int(moment["seconds"] / end * POINTS), POINTS - 1)].append(value(moment))
    line = [round(sum(part) / len(part)) for part in parts if part]
    return "\n".join(
        [
            "```mermaid",
            "xychart-beta",
            f'    title "{title}"',
            f'    x-axis "minutes" 0 --> {end / 60:.0f}',
            f'    y-axis "{unit}" 0 --> {max(line)}',
            f"    line {line}",
            "```",
        ]
    )


if __name__ == "__main__":
    main()
