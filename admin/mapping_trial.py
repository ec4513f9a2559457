"""What the rules of one target make of one user, beside what the target holds: read through the app's own parts.

Nothing is written, to no tenant and to no link. The verdict on scope is the app's (`shared.app.desire`), so it
cannot be another than the one that provisioning comes to. Showing a trial is in `try_mapping`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from admin.user_words import observed_words, scope_words
from shared.app.desire import draft, selection, wanted_manager
from shared.app.find_user import UserNotFoundError, find_user
from shared.core.attributes import observed_attributes, select_for, source_attributes
from shared.core.desired import Desired, InScope
from shared.core.mapping import ManagerClear, ManagerSet, Mapped, NotMapped, map_user
from shared.core.mapping_rules import Apply, AttributeMapping
from shared.core.observed import Observed, Present
from shared.graph.source import Deleted, Found, Missing, Unreadable
from shared.graph.target import Sought

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.parts import Parts, TargetParts
    from shared.config.sync_file import Target
    from shared.core.expressions import Value
    from shared.core.model import Link

REDACTED: Final = "[Redact]"


class TrialError(Exception):
    """The user, or what is known of them, cannot be read. The message says which, and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One mapping and what became of it; redacted values are gone from it."""

    attribute: str
    expression: str
    source: Mapping[str, Value]  # what the expression reads
    result: Value
    note: str  # what happens to the result: at creation only, cleared, left alone, failed and why
    present: Value  # in the target


@dataclass(frozen=True, slots=True)
class Trial:
    """The whole of it."""

    target: str
    source_id: str
    verdict: str
    why: str
    target_user: str
    rows: tuple[Row, ...]


async def run_trial(parts: Parts, hands: TargetParts, user: str) -> Trial:
    """Try the mappings of one target on a user, named by id, user principal name or mail address.

    Raises:
        TrialError: the user is not there, or cannot be read.
        StoreError: the links cannot be read.
    """
    target = hands.target
    found = await _read(parts, target, user)
    source_id = str(found.user["id"])
    manager_id = (found.user.get("manager") or {}).get("id")
    links = await parts.store.get_links(target.name, [each for each in (source_id, manager_id) if each])
    now = parts.clock.now()
    drafted = draft(target, found, links.get(source_id), now)
    attributes = source_attributes(found.user)
    mapped = map_user(target.mappings, attributes, now=now, compat=target.compat)
    observed = await _look(hands, found, links.get(source_id), drafted.desired)
    verdict, why = scope_words(drafted.desired, target.scope, attributes, member_of=found.groups, names={}, now=now)
    wanted = wanted_manager(drafted) or manager_id
    manager = links.get(wanted) if wanted else None
    return Trial(
        target=target.name,
        source_id=source_id,
        verdict=verdict,
        why=why,
        target_user=observed_words(observed),
        rows=tuple([_row(mapping, mapped, attributes, observed, manager) for mapping in target.mappings]),
    )


async def _read(parts: Parts, target: Target, user: str) -> Found:
    try:
        user_id = await find_user(parts, user)
    except UserNotFoundError as error:
        raise TrialError(str(error)) from error
    select = selection(target)
    readings = await parts.source.read_users(
        [user_id],
        select=select.properties,
        expand_manager=select.manager,
        groups=() if target.scope.all_users else target.scope.groups,
    )
    match readings[user_id]:
        case Found() as found:
            return found
        case Deleted():
            raise TrialError(f"{user}: was deleted in the source, and is among its deleted items")
        case Missing():
            raise TrialError(f"{user}: is not in the source")
        case Unreadable(fault=fault):
            raise TrialError(f"{user}: cannot be read in the source: {fault.code}")
        case other:
            assert_never(other)


async def _look(hands: TargetParts, found: Found, link: Link | None, desired: Desired) -> Observed:
    """What the target holds, found as provisioning finds it; somebody out of scope is looked for by address."""
    source_id = str(found.user["id"])
    sought = Sought(source_id, link.target_id if link else None)
    if isinstance(desired, InScope):
        sought = replace(sought, addresses=(desired.address,), values={**desired.on_create, **desired.attributes})
    else:
        address = found.user.get("mail") or found.user.get("userPrincipalName")
        sought = replace(sought, addresses=(address,) if isinstance(address, str) else ())
    observed = await hands.directory.look(
        [sought],
        select=select_for(mapping.target for mapping in hands.target.mappings).properties,
        expand_manager=True,
        precedence=hands.target.matching,
    )
    return observed[source_id]


def _row(
    mapping: AttributeMapping,
    mapped: Mapped,
    attributes: Mapping[str, Value],
    observed: Observed,
    manager: Link | None,
) -> Row:
    name = mapping.target
    result, note = _result(mapping, mapped, manager)
    present: Value = None
    if isinstance(observed, Present):
        held = observed_attributes(observed.attributes, [name])[name]
        present = observed.manager_id if name == "manager" else held
    source = {read: attributes.get(read) for read in sorted(mapping.expression.attributes)}
    if name in mapped.redacted:
        source = {read: _redacted(value) for read, value in source.items()}
        result, present = _redacted(result), _redacted(present)
    return Row(mapping.written.entra or name, mapping.expression.text, source, result, note, present)


def _redacted(value: Value) -> Value:
    return None if value is None else REDACTED


def _result(mapping: AttributeMapping, mapped: Mapped, manager: Link | None) -> tuple[Value, str]:
    """The value, and what happens to it."""
    name = mapping.target
    failed = next((failure for failure in mapped.failures if failure.attribute == name), None)
    if failed is not None:
        follows = "this attribute is left alone" if failed.skippable else "the user is not written"
        return None, f"failed, {follows}: {failed.reason}"
    if name == "manager":
        return _manager(mapped, manager)
    if name in mapped.attributes:
        value = mapped.attributes[name]
        if name in mapped.on_create:
            return value, f"cleared; at creation the default, {mapped.on_create[name]}"
        return value, "cleared" if value is None else ""
    if name in mapped.on_create:
        return mapped.on_create[
            name
        ], "at creation only" if mapping.apply is Apply.ON_CREATE else "default, at creation"
    return None, "left alone"


def _manager(mapped: Mapped, link: Link | None) -> tuple[Value, str]:
    match mapped.manager:
        case ManagerSet(source_id=source_id):
            present = link.target_id if link is not None and link.source_id == source_id else None
            return (present, "") if present else (source_id, "in the source; not in the target yet")
        case ManagerClear():
            return None, "cleared"
        case NotMapped():
            return None, "left alone"
        case _:
            assert_never(mapped.manager)
