"""Turn a candidate and constraints into a draft and a label for people."""

import shlex

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER
from swefoundry.drafts.recipes.rust.cargo_constraints import NO_CARGO_CONSTRAINTS, CargoConstraints
from swefoundry.drafts.recipes.rust.cargo_project import CargoProject
from swefoundry.drafts.recipes.rust.cargo_test_command import CARGO_REPORT, NO_TARGET, cargo_test_command
from swefoundry.drafts.recipes.rust.rust_releases import RustCandidate

_FOR_THIS_RELEASE = "CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback"
"""From Rust 1.84 on, dependencies that this release compiles are preferred."""

CARGO_ADD_SINCE = (1, 62)
"""The release of Rust that brought `cargo add`."""

_CAPPED_LINTS = 'CARGO_BUILD_RUSTFLAGS="--cap-lints=warn"'
"""Added to the flags in the source's `.cargo/config.toml`, which RUSTFLAGS would replace."""

_FETCH_NEWEST = (
    f"if ! {{ {_FOR_THIS_RELEASE} cargo generate-lockfile && cargo fetch; }}; then"
    " echo 'not all of the newest dependencies could be downloaded'; fi"
)


_OUTER_PATH = r'path *= *"\.\./[^"]*"'
LEAVE_OUT_OUTER_PATHS = (
    f"sed -i 's|, *{_OUTER_PATH}||; s|{_OUTER_PATH}, *||; \\|^{_OUTER_PATH}$|d' Cargo.toml"
)
"""Take dependencies from the registry whose folders are beside the source, where there is nothing."""


def plan_to_draft(project: CargoProject, candidate: RustCandidate, constraints: CargoConstraints) -> Draft:
    """Return the draft of a plan. Nothing is rebuilt in a reused image: `cargo test` compiles what is newer."""
    return Draft(
        dockerfile=_dockerfile(project, candidate, constraints),
        test_command=cargo_test_command(
            _options(constraints),
            project.files_instead,
            first=f"{LEAVE_OUT_OUTER_PATHS}\n" if project.has_outer_paths else "",
            with_examples=constraints.examples,
        ),
        reports=[CARGO_REPORT],
        error_exit_codes=[NO_TARGET],
        tolerated_failures=sorted(constraints.tolerated),
        run_as_user=ORDINARY_USER if constraints.as_user else None,
    )


def _dockerfile(project: CargoProject, candidate: RustCandidate, constraints: CargoConstraints) -> str:
    """Dependencies and what is compiled of them come from the build; the tests have no registry.

    A target that does not compile is the tests' matter. Neither incremental compilation nor debug information serve
    tests, and both take hundreds of megabytes.
    """
    variables = "CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never"
    steps = [
        f"FROM {candidate.base}",
        f"ENV {variables}" + (f" {_CAPPED_LINTS}" if _caps_lints(project, candidate, constraints) else ""),
        *(["ENV RUSTUP_TOOLCHAIN=$RUST_VERSION"] if project.pins_toolchain else []),
        *([apt_step(sorted(constraints.apt))] if constraints.apt else []),
        *([_fetch_added(project.added_by_fix, candidate)] if project.added_by_fix else []),
        f"COPY . {SOURCE_ROOT}",
        f"WORKDIR {SOURCE_ROOT}",
        *([f"RUN {LEAVE_OUT_OUTER_PATHS}"] if project.has_outer_paths else []),
        *_add_to_tests(project, candidate),
        *(f"RUN {_place(folder)}{each}" for folder in project.folders for each in _fetch(project, candidate)),
        *(f"RUN {_place(folder)}{each}" for folder in project.folders for each in _compile(constraints)),
        'RUN chmod -R a+rwX "${CARGO_HOME:-/root/.cargo}"',
        "ENV CARGO_NET_OFFLINE=true",
    ]
    return "\n".join(steps) + "\n"


def _caps_lints(project: CargoProject, candidate: RustCandidate, constraints: CargoConstraints) -> bool:
    """Whether lints are warnings: a release that came after the change may deny by itself what was allowed then."""
    later = project.created is not None and candidate.released > project.created
    return later or constraints.cap_lints


def _fetch_added(added: dict[str, str], candidate: RustCandidate) -> str:
    """Download what only the fix asks for, through a package that is nothing but these dependencies."""
    lines = ["[package]", 'name = "added"', 'version = "0.0.0"', "[lib]", 'path = "lib.rs"', "[dependencies]"]
    lines += [f"{name} = {spec}" for name, spec in added.items()]
    manifest = " \\\n  ".join(shlex.quote(line) for line in lines)
    return (
        f"RUN mkdir /tmp/added && cd /tmp/added && touch lib.rs && printf '%s\\n' {manifest} > Cargo.toml \\\n"
        f" && {_resolve(candidate)} && rm -r /tmp/added"
    )


def _add_to_tests(project: CargoProject, candidate: RustCandidate) -> list[str]:
    """Give the tests before the fix the dependencies that its manifest gives them. A refusal of cargo costs no build:
    then the tests do not compile before the fix, as without this.
    """
    if candidate.version < CARGO_ADD_SINCE:
        return []
    return [
        f"RUN {_place(folder)}{{ {_FOR_THIS_RELEASE} cargo add --quiet --dev {shlex.join(words)}"
        " || echo 'cargo could not add this dependency of the tests'; }"
        for folder, requirements in sorted(project.test_requirements_of_fix.items())
        for words in requirements
    ]


def _place(folder: str) -> str:
    return f"cd {shlex.quote(folder)} && " if folder != "." else ""


def _fetch(project: CargoProject, candidate: RustCandidate) -> list[str]:
    """Return commands that download dependencies: the locked ones, or those as of a day.

    With a lock file, both: the fix may ask for a later release of a dependency than the lock file has. Without a day,
    the newest ones are not needed by every fix and may be too new, so the build goes on without them.
    """
    if not project.is_locked:
        return [_resolve(candidate)]
    lock = f"{SOURCE_ROOT}/Cargo.lock"
    later = _resolve(candidate) if candidate.as_of is not None else _FETCH_NEWEST
    return ["cargo fetch", f"cp {lock} /tmp/locked && {later} && mv /tmp/locked {lock}"]


def _resolve(candidate: RustCandidate) -> str:
    """A lock file as of a day needs an option that is not stable; RUSTC_BOOTSTRAP allows it for this one command."""
    if candidate.as_of is None:
        return f"{_FOR_THIS_RELEASE} cargo fetch"
    day = f"{candidate.as_of}T00:00:00Z"
    return f"RUSTC_BOOTSTRAP=1 cargo -Zunstable-options generate-lockfile --publish-time {day} && cargo fetch"


def _compile(constraints: CargoConstraints) -> list[str]:
    """Examples are no part, but for tests that start them: no other target of tests needs them compiled."""
    options = _options(constraints)
    examples = f"if ! cargo build --offline --examples{options}; then echo 'not all examples compile'; fi"
    tests = f"{{ cargo test --offline --no-run --no-fail-fast --tests{options} || true; }}"
    return [examples, tests] if constraints.examples else [tests]


def _options(constraints: CargoConstraints) -> str:
    features = ",".join(sorted(constraints.features))
    return f" --features {shlex.quote(features)}" if features else ""


def plan_label(project: CargoProject, candidate: RustCandidate, constraints: CargoConstraints) -> str:
    """Return what distinguishes the draft, for people."""
    words = [f"rust {candidate.version[0]}.{candidate.version[1]}"]
    if project.is_locked and candidate.as_of is None:
        words.append("locked and newest dependencies")
    if candidate.as_of is not None and not project.is_locked:
        words.append(f"dependencies as of {candidate.as_of}")
    if constraints.features:
        words.append("features " + " ".join(sorted(constraints.features)))
    if constraints.cap_lints and not _caps_lints(project, candidate, NO_CARGO_CONSTRAINTS):
        words.append("lints as warnings")
    words += ["with its examples"] if constraints.examples else []
    if constraints.apt:
        words.append("with " + ", ".join(sorted(constraints.apt)))
    return ", ".join([*words, *constraints.described()])
