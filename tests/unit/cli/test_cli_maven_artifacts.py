"""`swefoundry collect releases` for Maven artifacts."""

import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swefoundry.cli.releases.collecting import PairRejected, collect_pair
from swefoundry.cli.releases.index import NoRelease, SourceArchive
from swefoundry.cli.releases.maven_layout import ReleaseFiles, compose_source
from swefoundry.cli.releases.maven_repository import MavenRepository
from swefoundry.cli.releases.pairs import BadPair, parse_pair
from swefoundry.cli.releases.splitting import JAVA_TEST_GLOBS, ChangePart, path_classifier
from swefoundry.errors import PackageIndexUnavailable

ADDRESS = "https://maven.example/central"
PACKAGE = "org.octo:calc"
POM = (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><artifactId>calc</artifactId><version>{}</version>'
    "<scm><url>https://github.com/octo/calc.git</url></scm>{}</project>"
)
METADATA = "<metadata><versions><version>1.0</version>\n<version>1.1</version></versions></metadata>"
UPLOADED = datetime(2023, 6, 1, 12, tzinfo=UTC)
PART_OF = path_classifier(JAVA_TEST_GLOBS)


def a_zip(path: Path, files: dict[str, str], time: datetime = UPLOADED) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, time.timetuple()[:6]), text)
    return path


def text_files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


class Repository:
    """A Maven repository with the files of some releases."""

    def __init__(self, folder: Path, *suffixes: str) -> None:
        self._folder = folder
        self._suffixes = suffixes

    async def archive(self, package: str, version: str) -> SourceArchive:
        raise NoRelease(f"{package} {version}")

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        if not archive.url.startswith(f"{ADDRESS}/org/octo/calc/"):
            raise NoRelease(f"{archive.url} does not exist")
        version, _, name = archive.url.removeprefix(f"{ADDRESS}/org/octo/calc/").rpartition("/")
        path = self._folder / archive.filename
        if name == "maven-metadata.xml":
            path.write_text(METADATA)
            return path, "e" * 64
        suffix = name.removeprefix(f"calc-{version}")
        if version not in METADATA or suffix not in self._suffixes:
            raise NoRelease(f"{archive.url} does not exist")
        if suffix == ".pom":
            path.write_text(POM.format(version, ""))
        elif suffix == "-source-release.zip":
            a_zip(
                path, {f"calc-{version}/{file}": version for file in ("src/main/A.java", "src/test/T.java")}
            )
        else:
            a_zip(path, {"octo/A.java" if suffix == "-sources.jar" else "octo/ATest.java": version})
        return path, "e" * 64


@pytest.fixture
def mvn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven that prints the address of its repository, with colours around it."""
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '\\033[0m{ADDRESS}/\\033[0m'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program


async def test_a_pair_of_source_releases_becomes_an_instance(tmp_path: Path, mvn: Path) -> None:
    repository = MavenRepository(Repository(tmp_path, "-source-release.zip"))
    instance = await collect_pair(parse_pair(f"maven:{PACKAGE}@1.0..1.1"), repository, PART_OF)
    assert (instance.instance_id, instance.repo, instance.version, instance.language, instance.created_at) == (
        "releases__calc-1.1", "releases/calc", "1.0", "java", UPLOADED,
    )  # fmt: skip
    url = f"{ADDRESS}/org/octo/calc/1.0/calc-1.0-source-release.zip"
    assert instance.source == {"archive": {"url": url, "sha256": "e" * 64, "stripComponents": 1}}
    assert (b"T.java" in instance.tests, b"A.java" in instance.gold) == (True, True)


async def test_a_pair_of_jars_becomes_an_instance_whose_source_is_stored(tmp_path: Path, mvn: Path) -> None:
    stored = []

    async def upload(root: Path, repo: str, version: str) -> str:
        stored.append((repo, version, text_files(root)))
        return "sha256:" + "a" * 64

    repository = MavenRepository(Repository(tmp_path, ".pom", "-sources.jar", "-test-sources.jar"))
    instance = await collect_pair(parse_pair(f"maven:{PACKAGE}@1.0..1.1"), repository, PART_OF, upload)
    assert (instance.instance_id, instance.source, instance.created_at) == (
        "octo__calc-1.1",
        {"artifact": {"digest": "sha256:" + "a" * 64}},
        UPLOADED,
    )
    files = {
        "pom.xml": POM.format("1.0", ""),
        "src/main/java/octo/A.java": "1.0",
        "src/test/java/octo/ATest.java": "1.0",
    }
    assert stored == [("octo/calc", "1.0", files)]


async def test_a_source_of_jars_needs_a_registry(tmp_path: Path, mvn: Path) -> None:
    repository = MavenRepository(Repository(tmp_path, ".pom", "-sources.jar", "-test-sources.jar"))
    with pytest.raises(
        PairRejected, match=r"org\.octo:calc has its source in several files.*give --registry"
    ):
        await collect_pair(parse_pair(f"maven:{PACKAGE}@1.0..1.1"), repository, PART_OF)


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("org.octo:other", "1.0", "the repository has no artifact org.octo:other"),
        (PACKAGE, "2.0", "org.octo:calc 2.0 is not in the repository. The last there: 1.0, 1.1."),
        (
            PACKAGE,
            "1.0",
            "org.octo:calc 1.0 was published without its tests: the repository has neither "
            "calc-1.0-source-release.zip nor calc-1.0-test-sources.jar",
        ),
    ],
)
async def test_what_the_repository_lacks_is_named(
    tmp_path: Path, mvn: Path, package: str, version: str, message: str
) -> None:
    repository = MavenRepository(Repository(tmp_path, ".pom", "-sources.jar"))
    with pytest.raises(NoRelease) as raised:
        await repository.archive(package, version)
    assert str(raised.value) == message


async def test_without_maven_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageIndexUnavailable, match="need mvn, which is not on PATH"):
        await MavenRepository(Repository(tmp_path)).archive(PACKAGE, "1.0")


@pytest.fixture
def failing_mvn(mvn: Path) -> None:
    mvn.write_text("#!/bin/sh\necho '[ERROR] offline'\nexit 1\n")


@pytest.mark.usefixtures("failing_mvn")
async def test_a_maven_without_an_address_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(PackageIndexUnavailable, match=r"did not name its repository: \[ERROR\] offline"):
        await MavenRepository(Repository(tmp_path)).archive(PACKAGE, "1.0")


BUILD = "<build><sourceDirectory>{}</sourceDirectory><testSourceDirectory>{}</testSourceDirectory></build>"


@pytest.mark.parametrize(
    ("build", "main", "test"),
    [
        ("", "src/main/java", "src/test/java"),
        (BUILD.format("src/java", "${basedir}/src/test"), "src/java", "src/test"),
        (BUILD.format("${sources}", "../test"), "src/main/java", "src/test/java"),
        ("<not closed>", "src/main/java", "src/test/java"),
    ],
)  # fmt: skip
def test_each_file_of_the_jars_has_its_folder(tmp_path: Path, build: str, main: str, test: str) -> None:
    (tmp_path / "calc.pom").write_text(POM.format("1.0", build))
    sources = {
        "META-INF/MANIFEST.MF": "", "META-INF/LICENSE.txt": "", "META-INF/maven/org.octo/calc/pom.xml": "",
        "META-INF/services/octo.Api": "", "octo/A.java": "", "octo/words.properties": "",
    }  # fmt: skip
    tests = {"octo/ATest.java": "", "octo/jmh/A_jmh.java": "", "octo/data/input.csv": ""}
    jars = a_zip(tmp_path / "sources.jar", sources), a_zip(tmp_path / "tests.jar", tests)
    compose_source(ReleaseFiles(tmp_path / "calc.pom", *jars), "calc-1.0", tmp_path / "calc.tar")
    with tarfile.open(tmp_path / "calc.tar") as tar:
        assert tar.getnames() == [
            "calc-1.0/pom.xml",
            "calc-1.0/src/main/resources/META-INF/services/octo.Api",
            f"calc-1.0/{main}/octo/A.java",
            "calc-1.0/src/main/resources/octo/words.properties",
            f"calc-1.0/{test}/octo/ATest.java",
            "calc-1.0/src/test/resources/octo/data/input.csv",
        ]


def test_a_pair_is_written_with_group_and_artifact() -> None:
    text = "maven:org.apache.commons:commons-csv@1.9.0..1.10.0"
    pair = parse_pair(text)
    assert (str(pair), pair.package, pair.short_name, pair.language) == (
        text,
        "org.apache.commons:commons-csv",
        "commons-csv",
        "java",
    )


@pytest.mark.parametrize(
    "text", ["maven:commons-csv@1.9.0..1.10.0", "maven:a:b@1.10.0..1.9.0", "maven:a:b:1.0..1.1"]
)
def test_other_texts_are_no_pairs(text: str) -> None:
    with pytest.raises(BadPair):
        parse_pair(text)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("src/test/java/octo/ATest.java", ChangePart.TEST),
        ("core/src/test/resources/input.csv", ChangePart.TEST),
        ("src/integrationTest/java/octo/AIT.java", ChangePart.TEST),
        ("src/main/java/octo/TTest.java", ChangePart.FIX),
        ("pom.xml", ChangePart.FIX),
    ],
)
def test_the_folder_decides_what_a_test_is(path: str, part: ChangePart) -> None:
    assert PART_OF(path) is part
