"""Turn a toolchain and constraints into a draft and a label for people."""

import shlex

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.go.generated_module import module_path, module_steps
from swefoundry.drafts.recipes.go.go_constraints import GoConstraints
from swefoundry.drafts.recipes.go.go_project import GoProject
from swefoundry.drafts.recipes.go.go_test_command import GO_REPORT, commands_that_require, go_test_command
from swefoundry.drafts.recipes.go.toolchains import Toolchain
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER, LanguageVersion

FIRST_WITH_MOD: LanguageVersion = (1, 14)
"""First release that knows `-mod=mod`; earlier ones do the same without it."""
FIRST_WITH_BUILDVCS: LanguageVersion = (1, 18)
"""First release that asks git about the source, and the option that keeps it from that."""


def plan_to_draft(project: GoProject, toolchain: Toolchain, constraints: GoConstraints) -> Draft:
    """Return the draft of a plan. Nothing is rebuilt in a reused image: `go test` compiles what differs by content."""
    return Draft(
        dockerfile=_dockerfile(project, toolchain, constraints),
        test_command=go_test_command(project),
        reports=[GO_REPORT],
        error_exit_codes=[],
        tolerated_failures=sorted(constraints.tolerated),
        run_as_user=ORDINARY_USER if constraints.as_user else None,
    )


def _dockerfile(project: GoProject, toolchain: Toolchain, constraints: GoConstraints) -> str:
    """Dependencies and the build cache come from the build; the tests have no module proxy."""
    place = f"cd {shlex.quote(project.folder)} && " if project.folder else ""
    vendored = project.is_vendored and not constraints.download
    flags = " ".join(_flags(project, toolchain, vendored))
    # The cache is writable for an ordinary user; a package that does not compile is the tests' matter.
    warm = "go build ./...; go test -vet=off -run '^$' ./... > /dev/null; chmod -R a+rwX /go/cache"
    steps = [
        f"FROM {toolchain.base}",
        f'ENV GOENV=off GOTOOLCHAIN=local GOPATH=/go GOCACHE=/go/cache GOFLAGS="{flags}"',
        *(_fetched_toolchain(toolchain.download) if toolchain.download else []),
        *([apt_step(sorted(constraints.apt))] if constraints.apt else []),
        f"COPY . {SOURCE_ROOT}",
        f"WORKDIR {SOURCE_ROOT}",
        *_module_steps(project, toolchain),
        *([] if vendored else [f"RUN {place}go mod download"]),
        *([_download_fixed(project.fixed_module)] if project.fixed_module and not vendored else []),
        *_download_added(project, place),
        f"RUN {place}{{ {warm}; }}",
        "ENV GOPROXY=off GOSUMDB=off",
    ]
    return "\n".join(steps) + "\n"


def _fetched_toolchain(release: str) -> list[str]:
    """Put another release before that of the image. Without the checksum database, go itself would not start it."""
    return [
        f'RUN root=$(GOTOOLCHAIN=go{release} go env GOROOT) && ln -s "$root" /opt/go',
        "ENV PATH=/opt/go/bin:$PATH",
    ]


def _module_steps(project: GoProject, toolchain: Toolchain) -> list[str]:
    if not project.repo_without_modules:
        return []
    path = module_path(project.facts.fixed_manifests or [])
    return module_steps(path, project.repo_without_modules, toolchain.version, project.created)


def _download_fixed(lines: list[str]) -> str:
    """Download what the fix requires. It has no go.sum here; the tests compare with the fix's own."""
    manifest = " \\\n  ".join(shlex.quote(line) for line in lines)
    return (
        f"RUN mkdir /tmp/fixed && cd /tmp/fixed && printf '%s\\n' {manifest} > go.mod \\\n"
        " && GOFLAGS= GOSUMDB=off go mod download && rm -r /tmp/fixed"
    )


def _download_added(project: GoProject, place: str) -> list[str]:
    """Download what the source requires together with what the tests before the fix need of the fix's requirements."""
    commands = commands_that_require(project)
    if not commands:
        return []
    return [
        f"RUN {place}cp go.mod /tmp/go.mod && {' && '.join(commands)} \\\n"
        " && GOSUMDB=off go mod download && mv /tmp/go.mod go.mod"
    ]


def _flags(project: GoProject, toolchain: Toolchain, vendored: bool) -> list[str]:
    """A go.mod that lacks a line for a test is completed; workspaces and vendor folders do not allow that."""
    flags = []
    if not vendored and not project.is_workspace and toolchain.version >= FIRST_WITH_MOD:
        flags.append("-mod=mod")
    if toolchain.version >= FIRST_WITH_BUILDVCS:
        flags.append("-buildvcs=false")
    return flags


def plan_label(project: GoProject, toolchain: Toolchain, constraints: GoConstraints) -> str:
    """Return what distinguishes the draft, for people."""
    words = [f"go {toolchain.version[0]}.{toolchain.version[1]}"]
    if toolchain.download:
        words.append("downloaded")
    if project.is_vendored:
        words.append("downloaded dependencies" if constraints.download else "vendored dependencies")
    if project.repo_without_modules:
        words.append("a go.mod of its own")
    if constraints.apt:
        words.append("with " + ", ".join(sorted(constraints.apt)))
    return ", ".join([*words, *constraints.described()])
