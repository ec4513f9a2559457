"""azure-functions' own converters: what the worker uses to check annotations and to decode and encode values.

They are public but untyped, hence the one door to them.
"""

from __future__ import annotations

from typing import Any

from azure.functions import meta


def converter(binding_type: str) -> Any:
    """Return the converter class of a binding type such as "httpTrigger". Raises LookupError if there is none."""
    found: Any = meta.get_binding_registry().get(binding_type)  # type: ignore[no-untyped-call]
    if found is None:
        raise LookupError(f"azure-functions has no converter for {binding_type!r}")
    return found
