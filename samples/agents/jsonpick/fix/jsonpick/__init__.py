"""Pick values out of JSON documents."""

import json
import subprocess


def pick(expression, document):
    """Every value that the expression yields."""
    ended = subprocess.run(
        ["jq", "--compact-output", expression],
        input=json.dumps(document),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def first(expression, document, default=None):
    """The first value that the expression yields; ``default`` when it yields none."""
    return next(iter(pick(expression, document)), default)
