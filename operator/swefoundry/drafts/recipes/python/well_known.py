"""Distributions of the public index that everybody knows, so that no stranger can register their names.

A file that names a further index does not say which of its lines come from there. These names are asked from the
operator's index all the same; all others of the file are left out.
"""

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python import distributions

_NAMES = """
absl-py accelerate aiobotocore aiofiles aiohttp aiosignal aiosqlite alembic amqp annotated-types anyio appdirs
apscheduler argcomplete argon2-cffi arrow asgiref asn1crypto asttokens astroid async-timeout asyncpg atomicwrites
attrs authlib babel backoff backports-zoneinfo bcrypt beautifulsoup4 billiard bitarray bleach blinker bokeh boltons
boto boto3 botocore brotli cachecontrol cachetools catboost cattrs celery certifi cffi chardet charset-normalizer
click click-plugins cloudpickle colorama coloredlogs colorlog configargparse configobj configparser contextlib2
contourpy cryptography cycler cython cytoolz dacite dask databases dataclasses dataclasses-json datasets dateparser
decorator deepdiff defusedxml deprecated deprecation dill distlib distro django django-filter djangorestframework
dnspython docker dockerfile-parse docopt docutils docstring-parser duckdb ecdsa einops elasticsearch email-validator
entrypoints enum34 environs et-xmlfile eventlet exceptiongroup execnet executing faker falcon fastapi fastavro
fastjsonschema feedparser filelock fire flask flask-cors flask-login flask-sqlalchemy fonttools freezegun frozendict
frozenlist fsspec funcsigs future futures geopandas gensim gevent gitdb gitpython google-api-core google-auth
google-cloud-storage graphene graphql-core graphviz greenlet grpcio gunicorn h11 h2 h5py hpack html5lib httpcore
httplib2 httptools httpx huggingface-hub humanfriendly humanize hydra-core hypercorn hyperframe hypothesis idna
imageio importlib-metadata importlib-resources inflection inflect influxdb iniconfig ipaddress ipykernel ipython
isodate itsdangerous jedi jinja2 jmespath joblib json5 jsonpatch jsonpath-ng jsonpointer jsonschema jupyter jwcrypto
kazoo keras keyring kiwisolver kombu kubernetes lark lazy-object-proxy ldap3 librosa lightgbm llvmlite lockfile loguru
lru-dict lxml lz4 mako markdown markdown-it-py markupsafe marshmallow matplotlib mccabe mdurl minio mock
more-itertools moto mpmath msgpack multidict multiprocess mypy-extensions mysqlclient natsort ndg-httpsclient netaddr
networkx ninja nltk nose numba numexpr numpy oauthlib odfpy omegaconf onnx onnxruntime opencv-python openpyxl optuna
ordered-set orjson oslo-config oslo-log oslo-utils overrides packaging pandas paramiko parameterized parse parso
passlib pathlib2 pathspec patsy pbr peewee pendulum pexpect phonenumbers pika pillow pint pip-tools pkginfo
platformdirs plotly pluggy ply portalocker pretend prettytable prometheus-client prompt-toolkit protobuf psutil
psycopg psycopg2 psycopg2-binary ptyprocess pure-eval py pyarrow pyasn1 pyasn1-modules pycparser pycryptodome
pycryptodomex pycurl pydantic pydantic-core pydantic-settings pydot pyfakefs pyflakes pygments pyhamcrest pyjwt
pymongo pymysql pynacl pyodbc pyopenssl pyparsing pyperclip pyproj pyrsistent pyserial pysocks pytest python-dateutil
python-dotenv python-jose python-json-logger python-magic python-multipart python-slugify pytz pyyaml pyzmq qrcode
rapidfuzz redis regex requests requests-mock requests-oauthlib requests-toolbelt responses retry retrying rich roman
rsa ruamel-yaml s3fs s3transfer safetensors sanic scikit-image scikit-learn scipy seaborn selenium sentencepiece
sentry-sdk setproctitle setuptools shapely shellingham simplejson singledispatch six smart-open smmap sniffio
sortedcontainers soupsieve spacy sqlalchemy sqlmodel sqlparse starlette statsmodels stevedore structlog sympy tables
tabulate tblib tenacity tensorboard tensorflow termcolor testfixtures testtools text-unidecode textwrap3 threadpoolctl
tifffile tiktoken tinycss2 tokenizers toml tomli tomlkit toolz torch torchaudio torchvision tornado tqdm traitlets
transformers trio trustme typeguard typer typing typing-extensions tzdata tzlocal ujson unidecode unittest2
uritemplate urllib3 uvicorn uvloop validators vcrpy vine voluptuous wand watchdog watchfiles wcwidth webcolors
webencodings webob websocket-client websockets webtest werkzeug wheel wrapt wtforms xarray xgboost xlrd xlsxwriter
xmltodict yarl zipp zope-event zope-interface zstandard
"""

WELL_KNOWN: frozenset[str] = frozenset(
    {
        *_NAMES.split(),
        *distributions.NOT_FOR_TESTS,
        *(
            str(canonicalize_name(name.partition("<")[0].partition("[")[0]))
            for table in (
                distributions.DISTRIBUTION_BY_MODULE,
                distributions.DISTRIBUTION_BY_FIXTURE,
                distributions.DISTRIBUTION_BY_MARKER,
            )
            for name in table.values()
            if name
        ),
    }
)


def is_well_known(name: str) -> bool:
    """Whether a distribution is well known; pytest's plugins are by their name."""
    plain = canonicalize_name(name)
    return plain in WELL_KNOWN or plain.startswith("pytest-")
