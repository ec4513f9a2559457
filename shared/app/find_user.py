"""A user of the source by what a person types: an object id, a user principal name or a mail address.

Nobody is guessed: a name that fits nobody, or several, is refused with what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.core.fault_sizes import Fault
from shared.core.messages import MalformedMessageError, object_id

if TYPE_CHECKING:
    from shared.app.parts import Parts

_SHOWN: Final = 5  # of several


class UserNotFoundError(Exception):
    """The text says whom, and why."""


async def find_user(parts: Parts, text: str) -> str:
    """The source id of a user. An object id is taken as it is: whoever it names may have been deleted.

    Raises:
        UserNotFoundError: nobody, or several, or the source could not be asked.
    """
    try:
        return object_id(text.strip())
    except MalformedMessageError:
        pass
    name = text.strip()
    if "@" not in name:
        raise UserNotFoundError(f"{name or 'nobody'}: is no id, no user principal name and no mail address")
    found = await parts.source.find_users(name)
    if isinstance(found, Fault):
        raise UserNotFoundError(f"{name}: cannot be read in the source: {found.code}")
    if not found:
        raise UserNotFoundError(f"{name}: is not in the source; somebody who was deleted has to be named by object id")
    if len(found) > 1:
        ids = ", ".join([f"{user['id']} ({user.get('userPrincipalName')})" for user in found[:_SHOWN]])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UserNotFoundError(f"{name}: is {len(found)} users: {ids}{more}; name one by object id")
    return str(found[0]["id"]).lower()
