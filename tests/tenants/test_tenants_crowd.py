"""A large tenant answers as a small one does. What it costs is measured by the benchmarks, which run against it."""

from __future__ import annotations

import pytest
from tenants_driver import BASE, Driver, calm_document


@pytest.fixture(scope="module")
def crowd() -> Driver:
    document = calm_document(replicas={"medianSeconds": 1, "count": 2})
    document["tenants"][1] |= {"people": 20_000}
    return Driver(document)


def bearer(crowd: Driver) -> dict[str, str]:
    return {"Authorization": f"Bearer {crowd.token('emea')}"}


def test_pages_of_999_add_up_to_everybody(crowd: Driver) -> None:
    """Each user once, on as few pages as there can be."""
    link: str | None = f"{BASE}/v1.0/users?$top=999&$select=id,displayName,mail"
    ids: list[str] = []
    pages = 0
    while link is not None:
        body = crowd.send("GET", link, headers=bearer(crowd)).body
        link = body.get("@odata.nextLink")
        ids += [user["id"] for user in body["value"]]
        pages += 1
    assert (len(ids), len(set(ids)), pages) == (20_004, 20_004, 21)


def test_an_address_is_found_among_all(crowd: Driver) -> None:
    """By any of the properties that hold addresses; one that nobody has is nobody's."""
    headers = bearer(crowd)
    everybody = crowd.send("GET", "/v1.0/users?$top=999&$select=id,mail", headers=headers).body["value"]
    somebody = next(user for user in reversed(everybody) if user["mail"])

    def found(mail: str) -> list[str]:
        query = f"mail eq '{mail}' or otherMails/any(x:x eq '{mail}') or proxyAddresses/any(x:x eq 'SMTP:{mail}')"
        answer = crowd.send("GET", f"/v1.0/users?$filter={query}&$select=id", headers=headers)
        return [user["id"] for user in answer.body["value"]]

    assert found(somebody["mail"]) == [somebody["id"]]
    assert found("nobody@emea.contoso.com") == []
