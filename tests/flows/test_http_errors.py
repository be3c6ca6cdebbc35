"""What is refused and how: methods, addresses, and the one shape that every refusal has; OPTIONS and the small headers.

https://hl7.org/fhir/R4/http.html#Status-Codes · https://hl7.org/fhir/R4/http.html#custom
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import created, issue_of, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALLOWED = {
    "": "GET, HEAD, POST, OPTIONS",
    "Patient": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Patient/1": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
    "Patient/1/_history": "GET, HEAD, OPTIONS",
    "Patient/1/_history/1": "GET, HEAD, OPTIONS",
    "Patient/_history": "GET, HEAD, OPTIONS",
    "Patient/_search": "POST, OPTIONS",
    "_history": "GET, HEAD, OPTIONS",
    "metadata": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize("path", ALLOWED)
async def test_options_names_the_methods_of_an_address(shared: httpx.AsyncClient, path: str) -> None:
    response = await shared.options(path)

    assert response.status_code in {200, 204}
    assert response.headers["allow"] == ALLOWED[path]


@pytest.mark.parametrize("path", ALLOWED)
async def test_any_other_method_is_405_with_those_that_work(shared: httpx.AsyncClient, path: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - set(ALLOWED[path].split(", ")):
        response = await shared.request(method, path, json=patient())

        issue_of(response, 405, "not-supported")
        assert response.headers["allow"] == ALLOWED[path]


@pytest.mark.parametrize(
    "path",
    [
        "Shoe",
        "Shoe/1",
        "patient",
        "Patient/1/2/3/4",
        "Patient/1/Shoe",
        "Patient/1/_history/1/x",
        "Resource/1",
        "DomainResource",
        "_metadata",
        "Patient/$nothing",
        "$nothing",
        "Patient/a_b",
        "Patient/" + "a" * 65,
    ],
)
async def test_an_address_that_names_nothing_is_404(shared: httpx.AsyncClient, path: str) -> None:
    issue_of(await shared.get(path), 404)


async def test_a_refusal_never_repeats_what_a_person_sent(shared: httpx.AsyncClient) -> None:
    secret = "Marie-Josèphe-7f3"
    tree = {**patient(gender=secret, birthDate=secret, name=[{"use": secret}]), secret: 1}

    answers = [
        await shared.post("Patient", json=tree),
        await shared.get(f"Patient?birthdate={secret}"),
        await shared.put(f"Patient?identifier={secret}&birthdate={secret}", json=patient()),
        await shared.post("Patient", content=f'{{"{secret}":'.encode()),
    ]

    for response in answers:
        assert response.status_code >= 400
        for issue in response.json()["issue"]:
            assert secret not in issue["diagnostics"]


async def test_every_answer_says_that_it_must_not_be_sniffed_or_kept(shared: httpx.AsyncClient) -> None:
    for path in ("metadata", "Patient/nobody", "Patient"):
        response = await shared.get(path)

        assert response.headers["x-content-type-options"] == "nosniff"
        assert "no-cache" in response.headers["cache-control"]


async def test_a_request_has_the_id_of_the_trace_that_it_is_part_of(shared: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for path in ("metadata", "http://test.example/healthz", "http://test.example/no"):
        response = await shared.get(path, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

        assert response.headers["x-request-id"] == trace
        assert "x-correlation-id" not in response.headers


async def test_an_id_of_the_client_s_own_comes_back_as_correlation(shared: httpx.AsyncClient) -> None:
    by_request = await shared.get("metadata", headers={"X-Request-Id": "a/b;c"})
    by_name = await shared.get("metadata", headers={"X-Correlation-Id": "flow-7"})

    assert by_request.headers["x-request-id"] != "a/b;c"
    assert by_request.headers["x-correlation-id"] == "a/b;c"
    assert by_name.headers["x-correlation-id"] == "flow-7"


async def test_an_intermediary_header_changes_nothing(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    plain = await shared.get(f"Patient/{kept['id']}")
    stamped = await shared.get(f"Patient/{kept['id']}", headers={"X-Intermediary": "engine.example"})

    assert stamped.content == plain.content
    assert "x-intermediary" not in stamped.headers
    assert {**stamped.headers, "x-request-id": ""} == {**plain.headers, "x-request-id": ""}


async def test_a_method_override_is_not_obeyed(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    await shared.get(f"Patient/{kept['id']}", headers={"X-HTTP-Method-Override": "DELETE"})

    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"If-Match": 'W/"1"', "If-None-Match": 'W/"2"'}, "Patient/1"),
        ({"If-None-Match": "yes"}, "Patient/1"),
    ],
)
async def test_headers_that_contradict_or_cannot_be_read_are_400(
    shared: httpx.AsyncClient, headers: dict[str, str], path: str
) -> None:
    issue_of(await shared.get(path, headers=headers), 400)
