"""What managers need to know of a language's tools: reports, exit codes, dated dependencies, what a build fetches.

The roles of a prompt get those of the row's language alone. Each command passes the rules for test commands.
"""

import re
from dataclasses import dataclass

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes import recipe_languages

TAP_REPORT = "report.tap"


@dataclass(frozen=True)
class ExampleCommand:
    """A test command with the report that it writes."""

    runner: str
    test_command: str
    reports: tuple[str, ...]
    error_exit_codes: tuple[int, ...]
    note: str = ""
    sign: str = ""
    """A word in the manifests, or the name of one, of a project that has this runner; empty: any."""
    programs: tuple[str, ...] = ()
    """How commands call the runner, and others whose tests it runs."""


@dataclass(frozen=True)
class LanguageGuide:
    """One language's tools."""

    title: str
    reporter: str
    """What the image needs so that the runner writes a report, outside the project."""
    offline: str
    """What the build has to fetch or compile, because tests have no network."""
    dates: str
    """How dependencies of the time of the commit are installed; ``DAY`` stands for the day after it."""
    exit_codes: str
    examples: tuple[ExampleCommand, ...]

    def dated(self, day: str) -> str:
        """``dates`` with a day, such as 2020-02-29; without one, where it is empty."""
        return self.dates.replace("DAY", day) if day else self.dates

    def fitting_examples(self, facts: Facts) -> list[ExampleCommand]:
        """The examples whose sign the manifests have; all where they have none: each costs tokens in every request."""
        text = "\n".join(f"{each.path}\n{each.text}" for each in facts.manifests)
        fit = [
            each for each in self.examples if re.search(rf"(?<![\w-]){re.escape(each.sign)}(?![\w-])", text)
        ]
        return fit or list(self.examples)

    def example_for(self, command: str) -> ExampleCommand | None:
        """The example for the runner that a command calls; None where it calls none of them by name."""
        for each in self.examples:
            names = "|".join(map(re.escape, each.programs))
            if names and re.search(rf"(?<![\w.-])({names})(?![\w./-])", command):
                return each
        return None


def kept_output(command: str, report: str, files: str = "{files}") -> str:
    """A command whose output is both shown and kept as its report, with the runner's own exit code."""
    return f"bash -o pipefail -c '{command} \"$@\" | tee {report}' bash {files}"


def _tap_example(runner: str, command: str) -> ExampleCommand:
    sign = command.split()[0].rpartition("/")[2] if "/" in command else "node --test"
    return ExampleCommand(
        runner, kept_output(command, TAP_REPORT), (TAP_REPORT,), (), sign=sign, programs=(sign,)
    )


_PYTHON = LanguageGuide(
    title="Python",
    reporter="pytest writes JUnit XML by itself, and runs tests of unittest as well.",
    offline="pytest and its plugins come from a package index, in releases of the commit's time.",
    dates=(
        "`uv pip install --system --exclude-newer DAY …` resolves as of a day; `pip` has no such "
        "option. Where uv says that files lack an upload date, name the releases yourself."
    ),
    exit_codes=(
        "pytest: 1 failed tests; 2 interrupted, also by errors in collecting; 3 internal error; 4 bad"
        " usage; 5 no test. unittest: 1 for failed tests as for modules that cannot be imported."
    ),
    examples=(
        ExampleCommand(
            "pytest",
            "python -m pytest -q --junitxml=report.xml {files}",
            ("report.xml",),
            (2, 3, 4, 5),
            programs=("pytest", "py.test", "unittest"),
        ),
    ),
)

_NODE = LanguageGuide(
    title="JavaScript and TypeScript",
    reporter=(
        "jest needs a reporter: `npm install --prefix /opt/reporters jest-junit@16`, outside the "
        "project. mocha, vitest, ava, tape and node:test have one built in."
    ),
    offline=(
        "`npm ci` where there is a lock file, else `npm install`; with `--ignore-scripts` unless a "
        "package has to be compiled, and `--legacy-peer-deps` where peers contradict each other. Call"
        " programs as `node_modules/.bin/NAME`: npx asks the registry for what is missing."
    ),
    dates=(
        "`npm install --before=DAY` resolves as of a day. Where npm answers ENOVERSIONS or ETARGET "
        "for packages that are older, the registry does not know their dates: leave the option out "
        "and name the releases yourself. A lock file needs no date."
    ),
    exit_codes=(
        "jest, vitest, ava, tape and node:test: 1 for failed tests as for files that cannot be "
        "loaded. mocha: the number of failed tests. Without a test in its report a run counts as one "
        "that could not run, whatever its code."
    ),
    examples=(
        ExampleCommand(
            "jest",
            "JEST_JUNIT_OUTPUT_FILE=report.xml JEST_JUNIT_CLASSNAME={filepath} "
            "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS=true node_modules/.bin/jest --reporters=default "
            "--reporters=/opt/reporters/node_modules/jest-junit --ci --coverage=false {files}",
            ("report.xml",),
            (),
            sign="jest",
            programs=("jest",),
        ),
        ExampleCommand(
            "vitest",
            "node_modules/.bin/vitest run --reporter=default --reporter=junit "
            "--outputFile.junit=report.xml {files}",
            ("report.xml",),
            (),
            sign="vitest",
            programs=("vitest",),
        ),
        _tap_example("mocha", "node_modules/.bin/mocha --reporter tap"),
        _tap_example("ava", "node_modules/.bin/ava --tap"),
        _tap_example("tape", "node_modules/.bin/tape"),
        _tap_example("node:test, Node 20 and later", "node --test --test-reporter=tap"),
        ExampleCommand(
            "sources that are compiled first",
            "npm run build || exit 3; " + kept_output("node_modules/.bin/mocha --reporter tap", TAP_REPORT),
            (TAP_REPORT,),
            (3,),
            sign='"build"',
        ),
    ),
)

_CLASSES = '$(for f in {files}; do basename "$f" .java; done | sort -u | paste -sd, -)'
_NO_CLASS = "-DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
_JAVA = LanguageGuide(
    title="Java",
    reporter="surefire and Gradle write JUnit XML by themselves.",
    offline=(
        "Maven fetches the part of surefire that runs tests when one runs, so the build runs one "
        f"short test class: `mvn -B -ntp -Dtest=NAME {_NO_CLASS} test`. Skip plugins that check, "
        "document or publish (`-Denforcer.skip -Dcheckstyle.skip -Drat.skip`), there and in the test "
        "command. Gradle: `gradle --no-daemon testClasses`."
    ),
    dates=(
        "POMs name releases, so no dates are needed. The JDK is that of the time: with `source` or "
        "`target` below 7 that is JDK 11 or earlier, or "
        "`-Dmaven.compiler.source=8 -Dmaven.compiler.target=8` is added."
    ),
    exit_codes=(
        "Maven and Gradle: 1 for failed tests as for sources that do not compile. So compile first, "
        "and end with a code of your own where that fails."
    ),
    examples=(
        ExampleCommand(
            "Maven",
            f"mvn -o -B -ntp -q test-compile || exit 3; mvn -o -B -ntp -Dtest={_CLASSES} {_NO_CLASS} test",
            ("**/surefire-reports/TEST-*.xml",),
            (3,),
            "One module of several: `-pl MODULE -am` in both.",
            sign="pom.xml",
            programs=("mvn", "mvnw"),
        ),
        ExampleCommand(
            "Gradle",
            "gradle --offline --no-daemon testClasses || exit 3; gradle --offline --no-daemon test "
            "$(for f in {files}; do basename \"$f\" .java | sed 's/^/--tests=*/'; done)",
            ("**/build/test-results/test/TEST-*.xml",),
            (3,),
            sign="build.gradle",
            programs=("gradle", "gradlew"),
        ),
    ),
)

_GO = LanguageGuide(
    title="Go",
    reporter="The events of `go test -json` are a report; nothing has to be installed.",
    offline=(
        "`go mod download`, then `go test -vet=off -run '^$' ./...`, which compiles the tests, runs "
        "none, and fills the build cache; then `ENV GOPROXY=off GOFLAGS=-mod=mod`, without -mod=mod "
        "where there is a vendor folder."
    ),
    dates=(
        "go.mod and go.sum name releases, so no dates are needed. The release of Go is that of the "
        "time, and not below the `go` line."
    ),
    exit_codes=(
        "go test: 1 for failed tests as for packages that do not compile. The events tell one from "
        "the other, so no code is needed."
    ),
    examples=(
        ExampleCommand(
            "go test",
            'packages=$(for f in {files}; do dirname "./$f"; done | sort -u) && '
            + kept_output("go test -json -vet=off -count=1", "report.json", "$packages"),
            ("report.json",),
            (),
            "Later releases of vet refuse what compiles. For files of another module, `cd` into it.",
            programs=("go test",),
        ),
    ),
)

_RUST = LanguageGuide(
    title="Rust",
    reporter="The output of `cargo test`, standard error included, is a report; nothing has to be installed.",
    offline=(
        "`cargo fetch`, then `cargo test --no-run`, which compiles dependencies and tests; then "
        "`ENV CARGO_NET_OFFLINE=true`. Where lints are errors, `ENV RUSTFLAGS=--cap-lints=warn` "
        "before that, for build and tests alike."
    ),
    dates=(
        "Cargo.lock needs no date. Without one, `RUSTC_BOOTSTRAP=1 cargo -Zunstable-options "
        "generate-lockfile --publish-time DAYT00:00:00Z` (cargo 1.95 and later) resolves as of a day."
    ),
    exit_codes=(
        "cargo test: 101 for failed tests as for targets that do not compile. The output tells one "
        "from the other, so no code is needed."
    ),
    examples=(
        ExampleCommand(
            "cargo test, files of tests/",
            "bash -o pipefail -c 'cargo test --no-fail-fast \"$@\" 2>&1 | tee report.txt' bash "
            '$(for f in {files}; do echo --test; basename "$f" .rs; done)',
            ("report.txt",),
            (),
            "Tests inside `src/`: `--lib` or `--bins`. A file that is a module of another target: "
            "`--test` with that target. A member of a workspace: `-p NAME`.",
            programs=("cargo test",),
        ),
    ),
)

LANGUAGE_GUIDES: dict[str, LanguageGuide] = {
    "python": _PYTHON,
    "javascript": _NODE,
    "typescript": _NODE,
    "java": _JAVA,
    "go": _GO,
    "rust": _RUST,
}


def language_of_row(language: str | None, facts: Facts) -> str:
    """The language that the row names, else that of its test files or source; empty when unknown; lower case."""
    known = recipe_languages(StrategyInput(facts=facts, language=language))
    return known[0].name if known else (language or "").lower()
