"""Read setup.cfg: setuptools' [metadata] and [options], and projects that use pbr."""

import configparser

from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, RequirementGroups, python_classifiers


def parse_ini(text: str) -> configparser.RawConfigParser | None:
    """Parse an ini file; None when it is invalid."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return parser


def declared(text: str) -> DeclaredMetadata:
    """Parse setup.cfg."""
    parser = parse_ini(text)
    if parser is None:
        return DeclaredMetadata()
    section = "options.extras_require"
    lists = (
        {key: _lines(value) for key, value in parser.items(section)} if parser.has_section(section) else {}
    )
    groups = RequirementGroups(lists)
    return DeclaredMetadata(
        name=_get(parser, "metadata", "name"),
        version=_literal(_get(parser, "metadata", "version")),
        runtime=_lines(_get(parser, "options", "install_requires")),
        test=(*groups.test(), *_lines(_get(parser, "options", "tests_require"))),
        dev=groups.dev(),
        features=groups.features(),
        extras=groups.normalized(),
        build=_lines(_get(parser, "options", "setup_requires")),
        requires_python=_get(parser, "options", "python_requires"),
        pythons=python_classifiers(_lines(_get(parser, "metadata", "classifiers"))),
        runtime_known=parser.has_option("options", "install_requires"),
    )


def _get(parser: configparser.RawConfigParser, section: str, key: str) -> str | None:
    value = parser.get(section, key, fallback=None)
    return value or parser.get(section, key.replace("_", "-"), fallback=None)


def _literal(version: str | None) -> str | None:
    return None if version and version.startswith(("attr:", "file:")) else version


def _lines(value: str | None) -> tuple[str, ...]:
    lines = (line.split(" #")[0].strip() for line in (value or "").splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "file:")))
