"""What somebody with a token meets who asks for more than is theirs: other persons' data, operators' functions, names.

https://owasp.org/API-Security/editions/2023/en/0xa1-broken-object-level-authorization/
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import httpx
import pytest

from tests.flows.asking import bundle, entry, issue_of, observation, resources_of
from tests.flows.attacking import (
    of_the_cast,
)
from tests.flows.callers import Door

pytestmark = pytest.mark.asyncio(loop_scope="session")


CATEGORIES: Final = "https://cordee.example/fhir/CodeSystem/categorie-donnee"
CHOSEN: Final = {
    "id": "chosen",
    "meta": {
        "versionId": "99",
        "lastUpdated": "1999-01-01T00:00:00Z",
        # A category that everybody sees.
        "security": [{"system": CATEGORIES, "code": "annuaire"}],
    },
}


async def test_what_the_server_says_of_a_resource_is_not_the_client_s_to_say(
    nurse: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    kept = (await nurse.post("Observation", json=observation("Patient/payet", **CHOSEN))).json()
    place = f"Observation/{kept['id']}"
    updated = (await nurse.put(place, json={**kept, "status": "amended", "meta": CHOSEN["meta"]})).json()
    patch = [
        {"op": "replace", "path": "/status", "value": "corrected"},
        {"op": "replace", "path": "/meta/versionId", "value": "77"},
        {"op": "replace", "path": "/meta/security", "value": CHOSEN["meta"]["security"]},  # type: ignore[index]
    ]
    patched = await nurse.patch(
        place, content=json.dumps(patch), headers={"Content-Type": "application/json-patch+json"}
    )

    assert kept["id"] != "chosen"
    for version, tree in enumerate((kept, updated, patched.json()), 1):
        assert tree["meta"]["versionId"] == str(version), patched.text
        assert not tree["meta"]["lastUpdated"].startswith("1999")
        assert tree["meta"]["security"] == [{"system": CATEGORIES, "code": "sante"}]
    assert (await stranger.get(place)).status_code == 404


async def test_nobody_chooses_the_id_of_what_is_of_a_person(nurse: httpx.AsyncClient) -> None:
    tree = observation("Patient/payet", id="chosen")

    answer = await nurse.put("Observation/chosen", json=tree)
    inside = await nurse.post("", json=bundle("batch", entry("PUT", "Observation/chosen", tree)))

    assert answer.status_code == 404
    assert inside.json()["entry"][0]["response"]["status"].startswith("404")


async def test_a_person_does_not_say_that_a_file_was_imported(nurse: httpx.AsyncClient) -> None:
    answer = await nurse.post("", json=bundle("batch"), headers={"X-Import-File": "0" * 64})

    issue_of(answer, 403, "forbidden")


# `{o}` and `{p}`: an Observation and a Patient, hidden or not there.
OBJECTS: Final = [
    ("GET", "Observation/{o}", None),
    ("HEAD", "Observation/{o}", None),
    ("GET", "Observation/{o}?_summary=true", None),
    ("GET", "Observation/{o}/_history", None),
    ("GET", "Observation/{o}/_history/1", None),
    ("PUT", "Observation/{o}", {**observation("Patient/{p}"), "id": "{o}"}),
    ("PATCH", "Observation/{o}", {"resourceType": "Parameters"}),
    ("DELETE", "Observation/{o}", None),
    ("DELETE", "Observation?_id={o}", None),
    ("GET", "Observation/{o}/$meta", None),
    ("GET", "Observation/{o}/$validate", None),
    ("POST", "Observation/{o}/$validate", {"resourceType": "Parameters"}),
    ("GET", "Observation?_id={o}", None),
    ("GET", "Observation?patient={p}", None),
    ("GET", "Observation?subject:Patient.gender=female&_id={o}", None),
    ("GET", "Observation?has-member={o}", None),
    ("GET", "Patient?_has:Observation:patient:_id={o}", None),
    ("GET", "Patient?_id={p}&_revinclude=*", None),
    ("GET", "Observation?_filter=id eq {o}", None),
    ("GET", "_history?_id={o}", None),
    ("GET", "Patient/{p}/Observation", None),
    ("GET", "Patient/{p}/$everything", None),
    ("GET", "Observation/$lastn?patient={p}&category=vital-signs", None),
    ("GET", "Composition/{o}/$document", None),
    ("GET", "Binary/{b}", None),
    ("POST", "", bundle("batch", entry("GET", "Observation/{o}"), entry("DELETE", "Observation/{o}"))),
    ("POST", "", bundle("transaction", entry("GET", "Observation/{o}"))),
    (
        "POST",
        "",
        bundle("transaction", entry("PUT", "Observation/{o}", {**observation("Patient/{p}"), "id": "{o}"})),
    ),
    ("POST", "Observation", observation("Patient/{p}")),
    (
        "POST",
        "Communication",
        {"resourceType": "Communication", "status": "completed", "about": [{"reference": "Observation/{o}"}]},
    ),
    ("GET", "AuditEvent?entity=Observation/{o}", None),
    ("GET", "AuditEvent?patient={p}", None),
]
_NAMES: Final = (
    {"b": "payet-synthese", "o": "payet-tension-1", "p": "payet"},  # `payet` is in the others
    {"b": "payer-synthese", "o": "payer-tension-1", "p": "payer"},
)
# What differs from one answer to the next: cursors, times, what is numbered anew.
_MOMENT: Final = re.compile(
    r"(?<=_cursor=)[^\"&]+|\d{4}-\d\d-\d\dT[0-9:.]+Z|[0-9a-f]{8}-[0-9a-f-]{27}|\b0[0-9a-z]{12}\b"
)


@pytest.mark.parametrize(("method", "path", "body"), OBJECTS)
async def test_what_is_hidden_is_answered_like_what_does_not_exist(
    stranger: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    told = []
    for names in _NAMES:
        address, content = path, json.dumps(body) if body else None
        for name, value in names.items():
            address = address.replace(f"{{{name}}}", value)
            content = content.replace(f"{{{name}}}", value) if content else None
        headers = {"Content-Type": "application/fhir+json"} if content else {}
        answer = await stranger.request(method, address, content=content, headers=headers)
        text = _MOMENT.sub("moment", answer.text)
        for name, value in names.items():
            text = text.replace(value, name)
        told.append((answer.status_code, text, set(answer.headers) - {"content-length"}))
        assert answer.status_code < 500
        assert "Madeleine" not in answer.text

    assert told[0] == told[1]


DEFINITION: Final = {"resourceType": "ValueSet", "url": "urn:x", "status": "active"}
PRACTICE: Final = {"resourceType": "Organization", "id": "msp-des-hortensias", "name": "Mine"}
FUNCTIONS: Final = [
    ("POST", "ValueSet", DEFINITION, 403),
    ("PUT", "Organization/msp-des-hortensias", PRACTICE, 403),
    ("DELETE", "Organization/msp-des-hortensias", None, 403),
    ("POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}}, 403),
    ("DELETE", "Patient/payet", None, 403),
    ("DELETE", "AuditEvent/1", None, 405),
    ("PUT", "AuditEvent/1", {"resourceType": "AuditEvent", "id": "1"}, 405),
    ("GET", "Patient?__explain=true", None, 403),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status"), FUNCTIONS)
async def test_what_is_for_operators_is_refused_to_others(
    nurse: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    answer = await nurse.request(method, path, json=body)

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "Observation"),
        ("PUT", "Observation/payet-tension-1"),
        ("PATCH", "Observation/payet-tension-1"),
        ("DELETE", "Observation/payet-tension-1"),
        ("GET", "Condition"),
        ("GET", "Condition/payet-hypertension"),
        ("GET", "Condition/payet-hypertension/_history"),
    ],
)
async def test_a_client_does_nothing_that_its_scopes_do_not_say(shown: Door, method: str, path: str) -> None:
    client = await of_the_cast(shown, "infirmier", "user/Observation.rs")
    body = observation("Patient/payet") if method in {"POST", "PUT"} else {"resourceType": "Parameters"}

    answer = await client.request(method, path, json=body if method != "GET" else None)
    request = entry(method, path, body if method in {"POST", "PUT", "PATCH"} else None)
    inside = await client.post("", json=bundle("batch", request))

    letter = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}.get(method, "")
    kind = path.partition("/")[0]
    letter = letter or ("s" if path == kind else "r")
    assert answer.status_code == 403
    told = answer.headers["www-authenticate"]  # RFC 6750
    assert told.startswith('Bearer realm="fhir", error="insufficient_scope", error_description="')
    assert told.endswith(f', scope="user/{kind}.{letter}"')
    assert inside.json()["entry"][0]["response"]["status"].startswith("403")
    assert (await client.get("Observation/payet-tension-1")).status_code == 200


async def test_nothing_that_a_client_did_not_ask_the_scope_of_comes_along(shown: Door) -> None:
    client = await of_the_cast(shown, "infirmier", "user/Observation.rs")

    answers = [
        await client.get("Observation?_include=Observation:subject&_include=*"),
        await client.get("Observation?patient:Patient.name=Payet"),
        await client.get("Patient/payet/Observation"),
    ]

    for answer in answers:
        assert {tree["resourceType"] for tree in resources_of(answer.json())} <= {
            "Observation",
            "OperationOutcome",
        }
        assert '"family"' not in answer.text


async def test_whoever_writes_is_named_and_nobody_in_their_place(nurse: httpx.AsyncClient) -> None:
    def header(who: str, part: str) -> dict[str, str]:
        coded = {"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": part}
        agent = {"type": {"coding": [coded]}, "who": {"reference": who}}
        told = {"resourceType": "Provenance", "recorded": "2026-10-01T08:00:00Z", "agent": [agent]}
        return {"X-Provenance": json.dumps(told)}

    other = "Practitioner/anouk-lesage"
    claimed = await nurse.post(
        "Observation", json=observation("Patient/payet"), headers=header(other, "enterer")
    )
    dictated = await nurse.post(
        "Observation", json=observation("Patient/payet"), headers=header(other, "author")
    )

    issue_of(claimed, 403, "forbidden", "http.X-Provenance")
    assert dictated.status_code == 201, dictated.text
    page = (await nurse.get(f"Provenance?target=Observation/{dictated.json()['id']}")).json()
    [found] = resources_of(page)
    author, enterer = found["agent"]
    assert author["who"] == {"reference": other}
    assert enterer["type"]["coding"][0]["code"] == "enterer"
    assert enterer["who"]["reference"].startswith("PractitionerRole/")
