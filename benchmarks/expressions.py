"""How long mapping takes: the default mapping and five typical expressions, for many users, on one core.

Prints one JSON line per measurement. `python -m benchmarks.expressions [USERS]`, 100,000 unless told otherwise.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from random import Random

from shared.core.attributes import source_attributes, to_graph
from shared.core.expressions import ExpressionError, Surroundings, evaluate, parse
from shared.core.fingerprints import fingerprint, names_in
from shared.core.mapping import DEFAULT_MAPPINGS, map_user, parse_mappings

USERS = 100_000
BUDGET = 10.0  # seconds for 100,000 users
TYPICAL = {
    "companyName": 'IIF([country]="US","Contoso US",Append("Contoso ",[country]))',
    "mailNickname": 'ToLower(Replace(NormalizeDiacritics(Join(".",[givenName],[surname])), ,"[^a-zA-Z.]", ,"", , ))',
    "employeeType": 'Switch([extensionAttribute1],"Employee","C","Contractor","I","Intern","","Unknown")',
    "extensionAttribute2": 'FormatDateTime(CDate([createdDateTime]), ,"M/d/yyyy h:mm:ss tt","yyyy-MM-dd")',
    "extensionAttribute3": 'Replace([mobile], ,"[()\\\\s-]+", ,"", , )',
}
HOSTILE = {
    "regular expression without end": 'Replace([s], ,"^(\\\\w|\\\\w\\\\w)+\\\\d$", ,"z", , )',
    "1,000 functions inside one another": "ToLower(" * 1000 + '"A"' + ")" * 1000,
    "10,000 characters": 'Join("",' + ",".join(['"abcdefg"'] * 999) + ")",
}


def user(number: int) -> dict[str, object]:
    """A source user as Graph gives one."""
    return {
        "id": f"00000000-0000-0000-0000-{number:012}",
        "accountEnabled": True,
        "displayName": f"Zoë Müller {number}",
        "givenName": "Zoë" if number % 2 else "Nestor",
        "surname": "Müller" if number % 3 else "Wilke",
        "jobTitle": "Director",
        "department": "Operations",
        "employeeId": str(number),
        "officeLocation": "36/2121",
        "streetAddress": "9256 Towne Center Dr.",
        "city": "Seattle",
        "state": "WA",
        "postalCode": "98052",
        "country": "US" if number % 4 else "DE",
        "businessPhones": ["+1 206 555 0105"],
        "mobilePhone": "+1 (206) 555-0106",
        "preferredLanguage": None,
        "createdDateTime": "2020-03-16T07:00:00Z",
        "onPremisesExtensionAttributes": {"extensionAttribute1": ("C", "I", None)[number % 3]},
        "manager": {"id": "11111111-0000-0000-0000-000000000000"},
    }


def main() -> int:
    """Measure and print; 1 when a budget is missed."""
    users = int(sys.argv[1]) if len(sys.argv) > 1 else USERS
    own, faults = parse_mappings(TYPICAL)
    if faults:
        raise SystemExit("\n".join([f"{fault.path}: {fault.message}" for fault in faults]))
    mappings = DEFAULT_MAPPINGS + own
    now = datetime(2026, 1, 1, tzinfo=UTC)
    read = [source_attributes(user(number)) for number in range(1000)]

    start = time.process_time()
    for number in range(users):
        map_user(mappings, read[number % 1000], now=now)
    seconds = time.process_time() - start
    budget = BUDGET * users / USERS
    print(json.dumps({"what": "map", "users": users, "mappings": len(mappings), "seconds": round(seconds, 2),
                      "microseconds_per_user": round(seconds / users * 1e6, 1), "budget": budget}))  # fmt: skip

    start = time.process_time()
    few = users // 10
    for number in range(few):
        wanted = to_graph(map_user(mappings, source_attributes(user(number)), now=now).attributes)
        fingerprint(wanted, names_in(wanted))
    whole = time.process_time() - start
    print(json.dumps({"what": "read, map and fingerprint", "users": few, "seconds": round(whole, 2),
                      "microseconds_per_user": round(whole / few * 1e6, 1)}))  # fmt: skip
    slowest = max(_hostile(what, text) for what, text in HOSTILE.items())
    return int(seconds > budget or slowest > 1.0)


def _hostile(what: str, text: str) -> float:
    start = time.perf_counter()
    try:
        evaluate(parse(text), {"s": "a" * 60}, Surroundings(datetime(2026, 1, 1, tzinfo=UTC), Random(0)))
        outcome = "value"
    except ExpressionError as error:
        outcome = type(error).__name__
    seconds = time.perf_counter() - start
    print(json.dumps({"what": what, "outcome": outcome, "seconds": round(seconds, 3)}))
    return seconds


if __name__ == "__main__":
    sys.exit(main())
