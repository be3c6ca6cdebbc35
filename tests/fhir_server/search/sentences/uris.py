"""Parameters of type uri. https://hl7.org/fhir/R4/search.html#uri"""

from __future__ import annotations

from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.sentences.table import Chapter, one, says

ACME = "http://acme.org/fhir"


def value_set(id: str, url: str, version: str = "") -> Tree:
    tree = one("ValueSet", id, status="active", url=url)
    return {**tree, "version": version} if version else tree


def fed(id: str, source: str) -> Tree:
    return one("Basic", id, meta={"source": source}, code={"text": "x"})


CHAPTER = Chapter(
    "uris",
    (
        value_set("root", ACME),
        value_set("plain", f"{ACME}/ValueSet/123"),
        value_set("history", f"{ACME}/ValueSet/123/_history/5"),
        value_set("lower", f"{ACME}/valueset/123"),
        value_set("beside", "http://acme.org/fhirx/ValueSet/1"),
        value_set("v1", f"{ACME}/ValueSet/v", "1.0"),
        value_set("v2", f"{ACME}/ValueSet/v", "2.0"),
        value_set("comma", f"{ACME}/ValueSet/124,125"),
        value_set("accent", f"{ACME}/ValueSet/santé"),
        value_set("oid", "urn:oid:1.2.3.4.5"),
        one("ValueSet", "without", status="active"),
        fed("feed", "http://acme.org/feed"),
        fed("message", "http://acme.org/feed#req1"),
        fed("part", "http://acme.org/feed#req1/2"),
        fed("asked", "http://acme.org/feed?of=1#req1"),
        fed("feeds", "http://acme.org/feeds#req1"),
    ),
    (
        says(
            "uri",
            "A uri is found by all of itself, by case and by accent",
            (f"ValueSet?url={ACME}/ValueSet/123", "plain"),
            (f"ValueSet?url={ACME}/valueset/123", "lower"),
            (f"ValueSet?url={ACME}/VALUESET/123", ""),
            (f"ValueSet?url={ACME}/ValueSet", ""),
            (f"ValueSet?url={ACME}/", ""),
            (f"ValueSet?url={ACME}/ValueSet/sante", ""),
            (f"ValueSet?url={ACME}/ValueSet/santé", "accent"),
        ),
        says(
            "uri",
            "Below a URL is what begins with it",
            (f"ValueSet?url:below={ACME}/", "plain history lower v1 v2 comma accent"),
            (f"ValueSet?url:below={ACME}", "root plain history lower v1 v2 comma accent"),
            (f"ValueSet?url:below={ACME}/ValueSet/123", "plain history"),
            ("ValueSet?url:below=http://acme.org/fhirx", "beside"),
            ("ValueSet?url:below=http://other.org", ""),
        ),
        says(
            "uri",
            "Above a URL is what it begins with",
            (f"ValueSet?url:above={ACME}/ValueSet/123/_history/5", "root plain history"),
            (f"ValueSet?url:above={ACME}/ValueSet/123", "root plain"),
            ("ValueSet?url:above=http://acme.org/fhirx/ValueSet/1/2", "beside"),
            (f"ValueSet?url:above={ACME}x", ""),
        ),
        says(
            "uri",
            "Below an address are its queries and fragments, and it is above them",
            ("Basic?_source=http://acme.org/feed", "feed"),
            ("Basic?_source:below=http://acme.org/feed", "feed message part asked"),
            ("Basic?_source:below=http://acme.org/feed%23", "message part"),
            ("Basic?_source:below=http://acme.org/feed%23req1", "message part"),
            ("Basic?_source:below=http://acme.org/feed%23req", ""),
            ("Basic?_source:below=http://acme.org/feed?of=1", "asked"),
            ("Basic?_source:below=http://acme.org", "feed message part asked feeds"),
            ("Basic?_source:above=http://acme.org/feed%23req1", "feed message"),
            ("Basic?_source:above=http://acme.org/feed?of=1%23req1", "feed asked"),
            ("Basic?_source:above=http://acme.org/feed%23req1/2", "feed message part"),
        ),
        says(
            "uri",
            "An oid has no path, so that nothing is above or below it",
            ("ValueSet?url=urn:oid:1.2.3.4.5", "oid"),
            ("ValueSet?url=urn:oid:1.2.3.4", ""),
            ("ValueSet?url:below=urn:oid:1.2.3", 400),
            ("ValueSet?url:above=urn:oid:1.2.3.4.5.6", 400),
        ),
        says(
            "uri",
            "A version behind the bar of a canonical is the version of the resource",
            (f"ValueSet?url={ACME}/ValueSet/v", "v1 v2"),
            (f"ValueSet?url={ACME}/ValueSet/v|1.0", "v1"),
            (f"ValueSet?url={ACME}/ValueSet/v|2.0", "v2"),
            (f"ValueSet?url={ACME}/ValueSet/v|3.0", ""),
        ),
        says(
            "escaping",
            "A comma in a uri is escaped, however it was percent-encoded",
            (f"ValueSet?url={ACME}/ValueSet/124\\,125", "comma"),
            (f"ValueSet?url={ACME}/ValueSet/124%5C%2C125", "comma"),
            (f"ValueSet?url={ACME}/ValueSet/124,125", ""),
            (f"ValueSet?url={ACME}/ValueSet/123,{ACME}/valueset/123", "plain lower"),
            (f"ValueSet?url={ACME}/ValueSet/123%2C{ACME}/valueset/123", "plain lower"),
            ("ValueSet?url=http%3A%2F%2Facme.org%2Ffhir%2FValueSet%2F123", "plain"),
        ),
        says(
            "modifiers",
            "A uri may be missing, and takes no modifier of texts",
            ("ValueSet?url:missing=true", "without"),
            (f"ValueSet?url:exact={ACME}", 400),
            (f"ValueSet?url:contains={ACME}", 400),
            (f"ValueSet?url:not={ACME}", 400),
        ),
    ),
)
