import httpx, pytest
@pytest.mark.parametrize("i", range(8))
async def test_p(client: httpx.AsyncClient, i) -> None:
    r = await client.post("Patient", json={"resourceType":"Patient"})
    assert r.status_code == 201
