"""Pod templates of the operator, the namespace and the instance, applied to a pod's manifest. Pure."""

from typing import Any

from swefoundry import errors
from swefoundry.api import reasons
from swefoundry.contracts.pod_template import PodTemplate
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Owner
from swefoundry.workloads.pod_spec import JsonDict


def template_of(owner: Owner, settings: Settings) -> PodTemplate:
    """What is set for the pods of an object: the operator's, then the namespace's, then its own.

    Raises ``PermanentError`` when the object sets a field that the operator does not allow to objects.
    """
    own = owner.pod_template
    for field in own.fields_set if own is not None else ():
        if field not in settings.instance_pod_fields:
            allowed = ", ".join(settings.instance_pod_fields) or "none"
            raise errors.PermanentError(
                f"spec.podTemplate.{field}: objects may not set this field (they may set: {allowed}); remove it, "
                "or let the operator's administrator add it to instancePodFields (SWEFOUNDRY_INSTANCE_POD_FIELDS)",
                reason=reasons.MISCONFIGURED,
            )
    of_operator = settings.pod_template or PodTemplate()
    of_namespace = settings.namespace_pod_templates.get(owner.namespace)
    return of_operator.overridden_by(of_namespace).overridden_by(own)


def with_template(body: JsonDict, template: PodTemplate) -> JsonDict:
    """The manifest with the template's fields; what the manifest has itself is kept and added to."""
    fields: JsonDict = template.to_json_dict()
    metadata = dict(body["metadata"])
    for name in ("labels", "annotations"):
        metadata[name] = {**fields.pop(name, {}), **metadata.get(name, {})}
    spec = dict(body["spec"])
    for name, value in fields.items():
        spec[name] = _joined(spec.get(name), value)
    return {**body, "metadata": metadata, "spec": spec}


def _joined(own: Any, added: Any) -> Any:
    """Lists are joined and objects merged, however deep; of scalars, such as a RuntimeClass, the template's wins."""
    match own, added:
        case list(), list():
            return [*added, *own]
        case dict(), dict():
            return {**own, **{name: _joined(own.get(name), value) for name, value in added.items()}}
    return added
