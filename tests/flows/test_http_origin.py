"""Under which address the server speaks of itself: Host, a setting, trusted proxies; and browsers from elsewhere.

https://hl7.org/fhir/R4/http.html#general · https://hl7.org/fhir/R4/http.html#custom
"""

from __future__ import annotations

import pytest

from tests.flows.asking import created, entry, issue_of, link_of, observation, patient, send
from tests.flows.serving import Serve

PROXY = {"X-Forwarded-Host": "fhir.example.org", "X-Forwarded-Proto": "https"}


async def test_a_base_that_is_set_is_used_everywhere(serve: Serve) -> None:
    client = await serve(base_url="https://fhir.example.org/fhir")
    base = "https://fhir.example.org/fhir"

    sent = await client.post("Patient", json=patient())
    chosen = sent.json()["id"]
    page = (await client.get("Patient?_count=1")).json()
    history = (await client.get(f"Patient/{chosen}/_history")).json()
    batch = (await send(client, "batch", entry("GET", f"{base}/Patient/{chosen}"))).json()

    assert sent.headers["location"] == f"{base}/Patient/{chosen}/_history/1"
    assert page["entry"][0]["fullUrl"] == history["entry"][0]["fullUrl"] == f"{base}/Patient/{chosen}"
    assert link_of(page, "self").startswith(f"{base}/Patient?")
    assert link_of(history, "self") == f"{base}/Patient/{chosen}/_history"
    assert batch["entry"][0]["response"]["status"] == "200 OK"
    assert (await client.get("metadata")).json()["implementation"]["url"] == base


@pytest.mark.parametrize(
    "headers",
    [
        PROXY,
        {"Forwarded": "for=10.0.0.1;host=fhir.example.org;proto=https"},
        {"Forwarded": 'host="fhir.example.org";proto=https, host=inner;proto=http'},
    ],
)
async def test_a_trusted_proxy_says_where_the_client_is(serve: Serve, headers: dict[str, str]) -> None:
    client = await serve(trusted_proxies=("127.0.0.1",))

    response = await client.post("Patient", json=patient(), headers=headers)

    assert response.headers["location"].startswith("https://fhir.example.org/fhir/Patient/")


async def test_anybody_else_is_not_believed(serve: Serve) -> None:
    client = await serve()

    response = await client.post("Patient", json=patient(), headers=PROXY)

    assert response.headers["location"].startswith("http://test.example/fhir/Patient/")


async def test_absolute_references_to_oneself_are_local_behind_a_proxy(serve: Serve) -> None:
    client = await serve(trusted_proxies=("127.0.0.1",))
    kept = await created(client, patient())
    reference = f"https://fhir.example.org/fhir/Patient/{kept['id']}"

    good = await client.post("Observation", json=observation(reference), headers=PROXY)
    bad = await client.post("Observation", json=observation(f"{reference}x"), headers=PROXY)

    assert good.status_code == 201
    issue_of(bad, 422, "not-found")
    issue_of(await client.delete(f"Patient/{kept['id']}"), 409)


@pytest.mark.parametrize("host", ["a b", "a/b", "a?b", "<script>"])
async def test_a_host_that_is_none_is_400(serve: Serve, host: str) -> None:
    client = await serve()

    issue_of(await client.get("Patient", headers={"Host": host}), 400)


async def test_a_browser_may_call_from_an_origin_that_is_set(serve: Serve) -> None:
    client = await serve(cors_origins=("https://app.example",))
    origin = {"Origin": "https://app.example"}

    plain = await client.get("metadata", headers=origin)
    preflight = await client.options(
        "Patient/1",
        headers={
            **origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type, if-match, prefer",
        },
    )

    assert plain.headers["access-control-allow-origin"] == "https://app.example"
    assert {"ETag", "Location"} <= set(plain.headers["access-control-expose-headers"].split(", "))
    assert "Origin" in plain.headers["vary"]
    assert preflight.status_code in {200, 204}
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    sendable = preflight.headers["access-control-allow-headers"].lower()
    assert all(name in sendable for name in ("content-type", "if-match", "prefer", "if-none-exist"))


async def test_a_refusal_can_be_read_from_elsewhere_too(serve: Serve) -> None:
    client = await serve(cors_origins=("*",))

    response = await client.get("Patient/nobody", headers={"Origin": "https://any.example"})

    issue_of(response, 404)
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("origins", [(), ("https://app.example",)])
async def test_another_origin_gets_no_leave(serve: Serve, origins: tuple[str, ...]) -> None:
    client = await serve(cors_origins=origins)

    response = await client.get("metadata", headers={"Origin": "https://evil.example"})

    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


async def test_a_body_over_the_limit_is_413(serve: Serve) -> None:
    client = await serve(max_body_bytes=2000)

    issue_of(await client.post("Patient", json=patient(name=[{"text": "x" * 2000}])), 413, "too-long")
    assert (await client.post("Patient", json=patient())).status_code == 201
