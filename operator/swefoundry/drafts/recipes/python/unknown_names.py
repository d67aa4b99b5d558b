"""Requirements of a manifest that names a further index, without saying which of them come from there."""

import re
from collections.abc import Iterable
from dataclasses import replace

from swefoundry.drafts.recipes.python.bound_names import INDEX, BoundName, bound, bound_requirement
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata
from swefoundry.drafts.recipes.python.well_known import is_well_known

_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*")


def split_unknown(lines: Iterable[str]) -> tuple[list[str], list[BoundName]]:
    """Return the lines that may be asked from any index, and the names of all others as bound to an index."""
    kept: list[str] = []
    names: list[BoundName] = []
    for line in lines:
        name = _NAME.match(line)
        if name is None or is_well_known(name[0]) or bound_requirement(line) is not None:
            kept.append(line)
        else:
            names.append(bound(name[0], INDEX))
    return kept, names


def with_unknown_names_bound(declared: DeclaredMetadata) -> DeclaredMetadata:
    """Return the metadata without the unknown names of its lists."""
    runtime, of_runtime = split_unknown(declared.runtime)
    test, of_test = split_unknown(declared.test)
    dev, of_dev = split_unknown(declared.dev)
    features, of_features = split_unknown(declared.features)
    known = {name.name for name in declared.bound}
    unknown = (*of_runtime, *of_test, *of_dev, *of_features)
    return replace(
        declared,
        runtime=tuple(runtime),
        test=tuple(test),
        dev=tuple(dev),
        features=tuple(features),
        bound=(*declared.bound, *dict.fromkeys(name for name in unknown if name.name not in known)),
    )
