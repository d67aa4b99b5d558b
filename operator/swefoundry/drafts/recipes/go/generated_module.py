"""A go.mod for a source of before modules: its name, and dependencies as they were on the day of the change.

Such a source pins nothing. A tag's day is what the module proxy knows of it; modules without tags stay as they are.
"""

import re
from collections.abc import Sequence
from datetime import date

from swefoundry.contracts.facts import FileFact
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

LEVEL_WITHOUT_DIRECTIVE: LanguageVersion = (1, 16)
"""The language that a go.mod without a `go` line is written in: https://go.dev/ref/mod#go-mod-file-go"""

_MODULE_LINE = re.compile(r"^module[ \t]+\"?([\w.~+/-]+)\"?[ \t]*(?://.*)?$", re.MULTILINE)


def module_path(fixed_manifests: Sequence[FileFact]) -> str | None:
    """Return the path that the fix gives the module; None where it brings no go.mod to the root."""
    texts = [each.text for each in fixed_manifests if each.path == "go.mod"]
    named = next(filter(None, map(_MODULE_LINE.search, texts)), None)
    return named[1] if named is not None else None


def module_steps(path: str | None, repo: str, version: LanguageVersion, created: date | None) -> list[str]:
    """Return the build steps. Without a path the comments of imports tell it, as go itself reads them, else the
    repository, written as most files write it: owners have changed from capital to small letters.
    """
    own = f"github.com/{repo}"
    spelled = (
        f"{{ grep -rhoiF --include='*.go' {own} . || echo {own}; }} | sort | uniq -c | sort -rn"
        " | awk 'NR == 1 { print $2 }'"
    )
    name = f"go mod init {path}" if path else f"{{ go mod init || go mod init $({spelled}); }}"
    level = min(LEVEL_WITHOUT_DIRECTIVE, version)
    steps = [f"RUN {name} && go mod edit -go={level[0]}.{level[1]} && go mod tidy -e"]
    return [*steps, _as_of(created)] if created is not None else steps


def _as_of(day: date) -> str:
    """Replace each requirement by the last release of that day; one that has none stays."""
    return (
        "RUN as_of() { go list -m -versions $1 | tr ' ' '\\n' | tail -n +2 | tac | while read -r v; do \\\n"
        """ t=$(go list -m -f '{{.Time.Format "20060102"}}' $1@$v) && """
        f'[ "$t" -le {day:%Y%m%d} ] && echo "$1@$v" && break; done; }} && \\\n'
        " for m in $(go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}}{{end}}' all); do \\\n"
        ' old=$(as_of "$m"); [ -z "$old" ] || go mod edit -require="$old"; done; go mod tidy -e'
    )
