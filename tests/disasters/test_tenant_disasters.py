"""Disasters of a whole tenant: it refuses a kind of action, or everything, or it was we who went too far."""

from __future__ import annotations

import pytest
from stage import FEW, TARGETS, TEN

from shared.app.catch_up import catch_up
from shared.app.full_cycle import full_cycle
from shared.app.guard_rows import load_health
from shared.app.holds import list_holds, release_holds
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = {
    "status": 403,
    "code": "Authorization_RequestDenied",
    "message": "Insufficient privileges to complete the operation.",
}
WRITER_ROLES = (
    "User.Invite.All", "User.Read.All", "User.ReadWrite.All", "User.DeleteRestore.All", "User.EnableDisableAccount.All",
    "User-Phone.ReadWrite.All", "User-Mail.ReadWrite.All", "Policy.Read.All", "Organization.Read.All",
)  # fmt: skip


async def health(stage, target="emea"):
    """The quarantined kinds of action of a target."""
    return sorted((await load_health(stage.parts, target)).quarantines)


async def test_too_many_removals_stop_the_creates_too(stage):
    """Too many removals, and the limit for them stops the creates and updates too."""
    people = await stage.company(*TEN)
    leavers, changed, joiner = people[:6], people[6], await stage.id_of("JohannaL")
    await stage.leaves(*leavers)
    await stage.change(changed, department="Research")
    await stage.tell(changed)
    await stage.joins(joiner)
    await stage.work(minutes=3)
    for target in TARGETS:
        assert (await stage.states(leavers, target)).count(LinkState.HELD) == 4, "two are a tenth of eleven, rounded up"
        assert (await stage.in_target(changed, target))["department"] == "Research"
        assert await stage.in_target(joiner, target) is not None
    await stage.unharmed()
    await stage.work(hours=26)
    assert len(await stage.present(leavers)) == 4, "what is held does not trickle away"
    await release_everybody(stage)
    await stage.work(minutes=10)
    await stage.right()


async def release_everybody(stage):
    """A person looks at what is held, and lets it go."""
    for target in TARGETS:
        await release_holds(stage.parts, target, await list_holds(stage.parts, target))


async def test_a_filter_is_mistyped(stage):
    """A scoping filter is mistyped, and everybody is out of scope at once."""
    people = await stage.company(*TEN)
    sound = stage.settings
    stage.ruled_out = frozenset(people)
    nobody = {"all": [{"attribute": "department", "operator": "EQUALS", "value": "No such"}]}
    await stage.restart(configuration(stage, filter=nobody))
    await stage.check(*people)
    await stage.work(hours=30)
    for target in TARGETS:
        assert len(await stage.present(people, target)) == 9, "the budget is one of ten"
    stage.settings = sound
    await stage.restart()
    await stage.check(*people)
    await stage.work(minutes=10)
    await stage.right()


async def test_the_configuration_lost_a_scoping_group(stage):
    """The configuration lost a scoping group in an edit, and everybody in it is removed."""
    group, engineering = stage.parts.sync.targets[0].scope.groups[0], "60000000-0000-4000-8000-000000000002"
    both = configuration(stage, groups=[group, engineering])
    engineers = [await stage.id_of(alias) for alias in ("JohannaL", "LidiaH", "HenriettaM", "GerhartM")]
    await stage.restart(both)
    await stage.begin()
    await stage.tell(*engineers)
    people = await stage.company()
    await catch_up(stage.parts)
    await stage.work(minutes=15)
    await stage.restart(configuration(stage, groups=[group]))
    await catch_up(stage.parts)
    await full_cycle(stage.parts)
    await stage.tell(*engineers)
    await stage.leaves(people[0])
    await stage.work(hours=30)
    for target in TARGETS:
        assert await stage.present(engineers, target) == engineers
        assert await stage.present(people, target) == people[1:], "who left a group that is configured has left"
    await stage.restart(both)
    await full_cycle(stage.parts)
    await stage.check(*engineers)
    await stage.work(minutes=15)
    await stage.right()


def configuration(stage, **scope):
    """sync.yaml with another scope."""
    tenants = stage.tenants.describe()["tenants"]
    group = next(iter(stage.parts.sync.targets)).scope.groups[0]
    return {
        "source": {"tenantId": tenants["source"]["id"]},
        "targets": [
            {
                "name": name,
                "tenantId": tenants[name]["id"],
                "scope": {"groups": [group]} | scope,
                "matching": ["mail", "userPrincipalName"],
                "mappings": {"companyName": '"Contoso US"'},
            }
            for name in TARGETS
        ],
    }


async def test_the_target_blocks_invitations_as_suspicious(stage):
    """The target blocks invitations as suspicious, and we go on knocking until support cannot help any more."""
    people = [await stage.id_of(alias) for alias in TEN]
    for tenant in TARGETS:
        stage.tenants.cloud.world.tenants[tenant].invitations.closed = True
    await stage.joins(*people)
    await stage.work(hours=1)
    assert await health(stage) == ["create"]
    counted = (await stage.cloud.control("GET", "counters"))["requests"]["emea"]["POST /invitations"]
    assert counted <= len(people) + 4, "the first batch, and a probe now and then"
    assert sum([(await stage.link(user_id)).attempt for user_id in people]) <= len(people) + 4
    for tenant in TARGETS:
        await stage.cloud.control("POST", "invitations/open", {"tenant": tenant})
    await stage.work(hours=20)
    assert await health(stage) == []
    await stage.right()


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, "code": "Directory_QuotaExceeded", "message": "The directory object quota is exceeded."},
        {"status": 400, "code": "Directory_QuotaExceeded", "message": "The directory object quota is exceeded."},
        {"status": 403, "code": "Forbidden", "message": "Guest invitations not allowed for your company."},
        {"status": 403, "code": "Forbidden", "message": "Blocked by cross-tenant access settings."},
        {"status": 401, "code": "Unauthorized",
         "message": "Insufficient privileges. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite"},
    ],
    ids=["quota-403", "quota-400", "guests-forbidden", "cross-tenant-access", "invite-permission"],
)  # fmt: skip
async def test_the_target_takes_nobody_new(stage, answer):
    """The target is full, or its settings let nobody in, and everybody else's changes stop as well."""
    people = await stage.company()
    joiners = [await stage.id_of(alias) for alias in TEN if alias not in FEW]
    await stage.fault(tenant="emea", operation="POST /invitations", **answer)
    await stage.joins(*joiners)
    await stage.work(minutes=2)
    assert await health(stage) == ["create"]
    await stage.change(people[1], department="Research")
    await stage.tell(people[1])
    await stage.leaves(people[0])
    await stage.work(minutes=2)
    assert (await stage.in_target(people[1]))["department"] == "Research"
    assert await stage.present(people) == people[1:]
    assert await stage.present(joiners, "apac") == joiners, "the other target is not concerned"
    await stage.over()
    await stage.work(hours=20)
    await stage.right()


async def test_consent_is_withdrawn_and_given_back(stage):
    """Consent is withdrawn as a whole, and given back a day later; meanwhile everything fails for everybody."""
    people = await stage.company()
    await stage.cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "revoke": True})
    await stage.restart()
    await stage.change(people[1], department="Research")
    await stage.tell(people[1])
    await stage.leaves(people[0])
    await stage.joins(await stage.id_of("JoniS"))
    await stage.work(hours=24)
    await stage.unharmed()
    assert await stage.present(people) == people
    assert await stage.present(people, "apac") == people[1:]
    roles = {"tenant": "emea", "app": "writer", "roles": list(WRITER_ROLES)}
    await stage.cloud.control("POST", "consents", roles)
    await stage.restart()
    await stage.work(hours=20)
    await stage.right()


async def test_the_readers_consent_is_withdrawn(stage):
    """The reader's consent is withdrawn in the source, and people who cannot be read any more are removed."""
    people = await stage.company()
    roles = ["User.Read.All", "GroupMember.Read.All", "Group.Read.All", "Policy.Read.All"]
    for fewer in ([], roles[:1], roles[1:]):
        body = {"tenant": "source", "app": "reader"}
        await stage.cloud.control("POST", "consents", body | ({"roles": fewer} if fewer else {"revoke": True}))
        await stage.restart()
        await stage.tell(*people)
        await stage.work(hours=7)
        await stage.unharmed()
        assert await stage.all_present(people)
    await stage.cloud.control("POST", "consents", {"tenant": "source", "app": "reader", "roles": roles})
    await stage.restart()
    await stage.work(hours=8)
    await stage.right()


@pytest.mark.parametrize("tenant", ["source", "emea"])
async def test_the_federation_expires(stage, tenant):
    """The federated credential expires or is taken away, and people look deleted or are forgotten."""
    people = await stage.company()
    await stage.fault(
        tenant=tenant, operation="POST /{tenant}/oauth2/v2.0/token", status=401,
        message="AADSTS700213: No matching federated identity record found for presented assertion subject.",
    )  # fmt: skip
    await stage.restart()
    await stage.leaves(people[0])
    await stage.change(people[1], department="Research")
    await stage.tell(people[1])
    await stage.work(hours=5)
    await stage.unharmed()
    assert await stage.present(people) == people
    await stage.over()
    await stage.work(hours=20)
    await stage.right()


@pytest.mark.parametrize(
    ("operation", "kinds"),
    [
        ("PATCH /users/{id}", ["update"]),
        ("DELETE /users/{id}", ["remove"]),
        ("GET /users/{id}", ["create", "remove", "update"]),
    ],
    ids=["update", "remove", "read"],
)  # fmt: skip
async def test_one_permission_is_withdrawn(stage, operation, kinds):
    """One permission is withdrawn: every user is refused for themselves, and each fills the log for days."""
    people = await stage.company(*TEN)
    await stage.fault(tenant="emea", operation=operation, **REFUSED)
    leavers = people[:1] if kinds != ["remove"] else people[:6]
    await stage.leaves(*leavers)
    for person in people[1:]:
        await stage.change(person, department="Research")
    await stage.tell(*people)
    await stage.work(minutes=5)
    if kinds == ["remove"]:
        await release_everybody(stage)
        await stage.work(minutes=10)
    assert await health(stage) == kinds
    await stage.unharmed()
    before = await stage.cloud.control("GET", "counters")
    await stage.work(hours=3)
    after = await stage.cloud.control("GET", "counters")
    tried = [counted["requests"]["emea"].get(operation, 0) for counted in (before, after)]
    assert operation.startswith("GET") or tried[1] - tried[0] <= 12, "a probe now and then, and nobody else"
    await stage.over()
    await stage.joins(await stage.id_of("JohannaL"))
    await stage.work(hours=20)
    await release_everybody(stage)
    await stage.work(hours=1)
    assert await health(stage) == []
    await stage.right()
