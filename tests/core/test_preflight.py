"""What a preflight makes of a tenant's policies."""

from __future__ import annotations

import pytest

from shared.core.access_policy import Side
from shared.core.preflight import Verdict, collaborates, consented, may_invite, redeemed, room

ALL, SOME = [{"target": "AllUsers", "targetType": "user"}], [{"target": "0000", "targetType": "group"}]


@pytest.mark.parametrize(
    ("quota", "verdict", "found", "has_fix"),
    [
        ({"used": 1, "total": 50_000}, "pass", "1 of 50,000 objects are used", False),
        ({"used": 44_999, "total": 50_000}, "pass", "44,999 of 50,000 objects are used", False),
        ({"used": 45_000, "total": 50_000}, "pass", "45,000 of 50,000 objects are used, which is nearly all", True),
        ({"used": 50_000, "total": 50_000}, "fail", "50,000 of 50,000 objects are used", True),
        ({"used": 50_001, "total": 50_000}, "fail", "50,001 of 50,000 objects are used", True),
        ({"used": None, "total": 50_000}, "unknown", "Graph does not tell", True),
        ({"used": 1, "total": 0}, "unknown", "Graph does not tell", True),
        (None, "unknown", "Graph does not tell", True),
    ],
)
def test_a_tenant_that_is_full_fails_and_one_that_is_nearly_full_says_so(quota, verdict, found, has_fix):
    """A quota that is not told, or not in numbers, is unknown."""
    line = room("emea", quota)
    assert (line.verdict, line.found, bool(line.fix)) == (verdict, found, has_fix)


@pytest.mark.parametrize(
    ("who", "verdict"),
    [
        ("none", "fail"),
        ("adminsAndGuestInviters", "fail"),
        ("adminsGuestInvitersAndAllMembers", "pass"),
        ("everyone", "pass"),
        ("unknownFutureValue", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_app_may_invite_where_members_may(who, verdict):
    """What Graph may say one day is unknown, and neither a yes nor a no."""
    assert may_invite("emea", {"allowInvitesFrom": who}).verdict == verdict


def test_what_guests_may_see_is_told_by_the_way():
    """A role that is not known is left out."""
    policy = {"allowInvitesFrom": "everyone", "guestUserRoleId": "2AF84B1E-32c8-42b7-82bc-daa82404023b"}
    assert may_invite("emea", policy).found == "allowInvitesFrom is everyone; guests may see themselves alone"
    assert may_invite("emea", policy | {"guestUserRoleId": "?"}).found == "allowInvitesFrom is everyone"


@pytest.mark.parametrize(
    ("users", "verdict"),
    [
        (None, "pass"),
        ({"accessType": "allowed", "targets": ALL}, "pass"),
        ({"accessType": "blocked", "targets": ALL}, "fail"),
        ({"accessType": "allowed", "targets": SOME}, "unknown"),
        ({"accessType": "blocked", "targets": SOME}, "unknown"),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_collaboration_that_is_open_closed_or_open_for_some(users, verdict, side):
    """Whether the people in scope are among some, an entry does not tell."""
    name = "b2bCollaborationInbound" if side is Side.TARGET else "b2bCollaborationOutbound"
    line = collaborates("emea", "the source", side, {name: {"usersAndGroups": users}}, by_default=True)
    assert line.verdict == verdict
    assert ("default settings" in line.found) is (verdict != "pass")


@pytest.mark.parametrize(("value", "verdict"), [(None, "fail"), (False, "fail"), (True, "pass")])
def test_a_policy_that_is_right_says_how_long_it_may_take(value, verdict):
    """Nobody can see since when it is so; one that is wrong says how long its fix takes."""
    entry = {"automaticUserConsentSettings": {"inboundAllowed": value}}
    line = redeemed("emea", "the source", Side.TARGET, entry, "do this")
    assert line.verdict == verdict
    assert "15 to 60 minutes" in line.found + line.fix
    assert line.fix.startswith("do this") is (verdict == "fail")


def test_what_is_not_consented_to_is_named():
    """And with nothing missing there is nothing to do."""
    assert consented("emea", "writer", [], "do this").verdict is Verdict.PASS
    line = consented("emea", "writer", ["consent to A", "consent to B"], "do this")
    assert (line.verdict, line.found, line.fix) == ("fail", "still to do: consent to A, consent to B", "do this")
