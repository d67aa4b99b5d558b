"""Tables of the distributions that provide imports, fixtures, markers and pytest options.

They have the common cases; any other distribution is guessed from the name.
"""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DISTRIBUTION_BY_MODULE: Mapping[str, str] = {
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "Crypto": "pycryptodome",
    "Cython": "cython",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "ldap3": "ldap3",
    "lz4": "lz4",
    "magic": "python-magic",
    "markdown": "markdown",
    "memcache": "python-memcached",
    "MySQLdb": "mysqlclient",
    "multipart": "python-multipart",
    "nacl": "pynacl",
    "nose": "nose",
    "distutils": "setuptools<81",
    "pkg_resources": "setuptools<81",
    "psycopg2": "psycopg2-binary",
    "pyximport": "cython",
    "rest_framework": "djangorestframework",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "setuptools_scm": "setuptools-scm",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socks": "pysocks",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
    "zope": "zope.interface",
    # pytest and its plugins
    "_pytest": "pytest",
    "py": "py",
    "pytest_asyncio": "pytest-asyncio",
    "pytest_mock": "pytest-mock",
    "pytest_httpserver": "pytest-httpserver",
    "flaky": "flaky",
    "tests": "",
    "test": "",
    "conftest": "",
}
"""Top-level module -> distribution; empty: a module of the source itself."""

INSTALLED_ON_IMPORT = _words(
    """
    nose aiosqlite anyio asgiref async_timeout attr blockbuster brotli bs4 certifi cffi chardet coverage cryptography
    dateutil dirty_equals django dns docutils email_validator faker fakeredis fastapi flaky flask freezegun
    frozendict funcsigs gevent greenlet h11 h2 httpx hypothesis idna importlib_metadata importlib_resources
    inline_snapshot isodate jinja2 jose jsonschema jwt lxml markdown markupsafe mock moto multipart nose numpy
    orjson packaging pandas parameterized pathspec pexpect PIL pluggy pretend proxy psutil py pydantic pyfakefs
    pygments pyparsing pytest_asyncio pytest_httpserver pytest_mock pytest_regressions pytz regex requests
    requests_mock responses respx rich scripttest setuptools simplejson six sortedcontainers sqlalchemy
    starlette structlog sybil syrupy testfixtures testscenarios testtools time_machine toml tomli tomlkit toolz
    tornado trio trustme typing_extensions tzdata tzlocal ujson unittest2 urllib3 uvicorn vcr watchfiles webob
    websockets webtest werkzeug wheel xmltodict yaml zope pkg_resources distutils
    """
)
"""Modules whose distribution is installed as soon as a test imports them; others only after a round fails for them."""

DISTRIBUTION_BY_FIXTURE: Mapping[str, str] = {
    "mocker": "pytest-mock",
    "httpx_mock": "pytest-httpx",
    "httpserver": "pytest-httpserver",
    "httpbin": "pytest-httpbin",
    "httpbin_both": "pytest-httpbin",
    "httpbin_secure": "pytest-httpbin",
    "requests_mock": "requests-mock",
    "respx_mock": "respx",
    "benchmark": "pytest-benchmark",
    "freezer": "pytest-freezer",
    "datadir": "pytest-datadir",
    "shared_datadir": "pytest-datadir",
    "data_regression": "pytest-regressions",
    "file_regression": "pytest-regressions",
    "num_regression": "pytest-regressions",
    "event_loop": "pytest-asyncio",
    "unused_tcp_port": "pytest-asyncio",
    "anyio_backend": "anyio",
    "aiohttp_client": "pytest-aiohttp",
    "aiohttp_server": "pytest-aiohttp",
    "test_client": "pytest-aiohttp",
    "loop": "pytest-aiohttp",
    "autojump_clock": "pytest-trio",
    "mock_clock": "pytest-trio",
    "nursery": "pytest-trio",
    "subtests": "pytest-subtests",
    "snapshot": "syrupy",
    "fs": "pyfakefs",
    "faker": "faker",
    "db": "pytest-django",
    "rf": "pytest-django",
    "settings": "pytest-django",
    "django_user_model": "pytest-django",
    "celery_app": "celery[pytest]",
    "cov": "pytest-cov",
    "testdir": "pytest",
    "pytester": "pytest",
    "file_h5": "h5py",
    "time_machine": "time-machine",
    "vcr_cassette": "pytest-vcr",
    "script_runner": "pytest-console-scripts",
    "selenium": "pytest-selenium",
    "postgresql": "pytest-postgresql",
    "redisdb": "pytest-redis",
    "xprocess": "pytest-xprocess",
    "tmp_work_path": "",
}

INSTALLED_ON_USE = _words(
    """
    mocker httpx_mock httpserver httpbin httpbin_both httpbin_secure requests_mock respx_mock benchmark freezer
    data_regression file_regression aiohttp_client aiohttp_server autojump_clock subtests script_runner xprocess
    """
)
"""Fixtures that sources rarely define themselves."""

DISTRIBUTION_BY_MARKER: Mapping[str, str] = {
    "asyncio": "pytest-asyncio",
    "trio": "pytest-trio",
    "anyio": "anyio",
    "flaky": "pytest-rerunfailures",
    "timeout": "pytest-timeout",
    "django_db": "pytest-django",
    "vcr": "pytest-vcr",
    "benchmark": "pytest-benchmark",
    "order": "pytest-order",
    "httpx_mock": "pytest-httpx",
    "repeat": "pytest-repeat",
    "datafiles": "pytest-datafiles",
    "freeze_time": "pytest-freezer",
    "xdist_group": "pytest-xdist",
    "dependency": "pytest-dependency",
    "forked": "pytest-forked",
    "network": "",
}

NOT_FOR_TESTS = _words(
    """
    black flake8 mypy pyright ruff isort pylint pycodestyle pyflakes pep8 bandit pre-commit tox tox-gh-actions
    tox-uv nox twine build wheel pytest-runner
    check-manifest readme-renderer collective-checkdocs bump2version bumpversion
    bumpver zest-releaser sphinx sphinx-rtd-theme sphinx-autobuild sphinx-tabs sphinxcontrib-napoleon furo
    mkdocs mkdocs-material mkdocstrings myst-parser docutils-stubs recommonmark pallets-sphinx-themes towncrier
    reno releases coverage codecov coveralls pytest-cov pytest-flake8 pytest-mypy pytest-mypy-plugins
    pytest-black pytest-black-multipy pytest-ruff pytest-pep8 pytest-flakes pytest-pylint pytest-isort
    pytest-cache pytest-sugar pytest-xdist pytest-checkdocs pytest-enabler pytest-html
    pytest-github-actions-annotate-failures pytest-codspeed pytest-randomly pytest-perf ipython ipdb jupyter
    notebook pdbpp tomli-w-stubs invoke commitizen gitlint cogapp setuptools pip virtualenv uv poetry hatch flit
    pdm versioneer interrogate pyupgrade autoflake docformatter refurb vulture xenon radon safety pip-audit
    pyre-check pytype slotscheck asv atheris codespell flake8-bugbear flake8-import-order flake8-docstrings
    pep8-naming doc8 rstcheck restructuredtext-lint types-all mypy-extensions-stubs sphinx-copybutton
    sphinx-notfound-page sphinxcontrib-towncrier sphinxcontrib-trio jaraco-packaging rst-linker sphinx-lint
    sphinx-argparse sphinx-design pytest-pycharm pytest-watch pytest-picked pytest-profiling pytest-memray
    griffe watchdog-gevent diff-cover python-semantic-release semantic-release pyinstaller cibuildwheel
    auditwheel nodeenv djhtml blacken-docs
    """
)
"""Developers' tools that cause failed builds and conflicts; kept only when a test imports them."""

MODULE_BY_TOOL: Mapping[str, str] = {
    "pyflakes": "pyflakes",
    "pycodestyle": "pycodestyle",
    "coverage": "coverage",
    "sphinx": "sphinx",
    "build": "build",
    "wheel": "wheel",
    "virtualenv": "virtualenv",
    "pip": "pip",
    "tox": "tox",
    "nox": "nox",
    "black": "black",
    "mypy": "mypy",
    "isort": "isort",
    "pylint": "pylint",
    "setuptools": "setuptools",
    "poetry": "poetry",
    "ipython": "IPython",
    "invoke": "invoke",
}
"""Import names of tools above that some projects test against: kept when a test imports this module."""

LAST_RELEASE_BY_ERROR: Mapping[str, str] = {
    "from werkzeug": "werkzeug<1",
    "soft_unicode": "markupsafe<2.1",
    "contextfunction": "jinja2<3.1",
    "environmentfilter": "jinja2<3.1",
    "evalcontextfilter": "jinja2<3.1",
    "cannot import name 'Markup' from 'jinja2'": "jinja2<3.1",
    "cannot import name 'escape' from 'jinja2'": "jinja2<3.1",
    "url_quote": "werkzeug<3",
    "cannot import name 'json' from 'itsdangerous'": "itsdangerous<2.1",
    "cannot import name '_app_ctx_stack'": "flask<2.3",
    "cannot import name '_request_ctx_stack'": "flask<2.3",
    "cannot import name 'JSONEncoder' from 'flask": "flask<2.3",
}
"""Part of an import error -> requirement for the last release that had the name."""


def distribution_of(module: str) -> str:
    """Map `yaml.nodes` to pyyaml.

    Names without an entry map to themselves, modules of the source to the empty string.
    """
    top = module.split(".")[0]
    return DISTRIBUTION_BY_MODULE.get(top, top.replace("_", "-").lower())
