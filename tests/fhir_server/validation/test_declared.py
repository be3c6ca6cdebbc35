"""Which profiles a resource is judged by: those it declares, those of its type, that of its code."""

from __future__ import annotations

import pytest

from fhir_server.kernel.wire import Tree
from tests.small_profiles import OWN, element, errors, judged, observation, patient, profile, world_of

URN = "urn:uuid:00000000-0000-0000-0000-000000000001"


class TestDeclared:
    def test_a_declared_profile_is_asked_for(self) -> None:
        world = world_of(profile("p", "Patient", element("Patient.birthDate", min=1)))

        assert errors(patient(meta={"profile": [OWN + "p"]}), world) == ["Patient.birthDate"]

    def test_an_unknown_one_is_a_warning_and_an_unknown_one_that_is_asked_for_an_error(self) -> None:
        issues = judged(patient(meta={"profile": [OWN + "absent"]}), world_of(), "other")

        assert [(one.severity, one.expression) for one in issues] == [
            ("error", "Patient"),
            ("warning", "Patient.meta.profile[0]"),
        ]

    def test_a_version_means_that_version(self) -> None:
        old = profile("p", "Patient", element("Patient.birthDate", min=1), version="1.0.0")
        new = profile("p", "Patient", element("Patient.gender", min=1), version="2.0.0")
        world = world_of(old, new)

        assert errors(patient(meta={"profile": [OWN + "p|1.0.0"]}), world) == ["Patient.birthDate"]
        assert errors(patient(meta={"profile": [OWN + "p"]}), world) == ["Patient.gender"]

    def test_either_generation_of_a_national_profile_will_do_and_is_named(self) -> None:
        url = "https://hl7.fr/test/p"
        old = profile("old", "Patient", element("Patient.birthDate", min=1), version="1.0.0", url=url)
        new = profile("new", "Patient", element("Patient.gender", min=1), version="2.0.0", url=url)
        world = world_of(old, new)

        (issue,) = judged(patient(birthDate="2000", meta={"profile": [url]}), world)

        assert (issue.severity, url + "|1.0.0" in issue.text) == ("information", True)
        assert errors(patient(meta={"profile": [url]}), world) == ["Patient.gender"]

    @pytest.mark.parametrize(
        "tree",
        [
            {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"fullUrl": URN, "resource": patient(meta={"profile": [OWN + "p"]})}],
            },
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "x", "resource": patient(meta={"profile": [OWN + "p"]})}],
            },
        ],
    )
    def test_resources_inside_are_asked_for_their_own_profiles(self, tree: Tree) -> None:
        world = world_of(profile("p", "Patient", element("Patient.birthDate", min=1)))

        (place,) = errors(tree, world)

        assert place.endswith(".resource.birthDate")

    def test_a_logical_model_is_declined(self) -> None:
        model = profile("m", OWN + "m", kind="logical", derivation="specialization")

        (issue,) = judged(patient(active=True), world_of(model), "m")

        assert issue.code == "not-supported"

    def test_a_profile_of_another_type_is_not_kept(self) -> None:
        assert errors(observation(), world_of(profile("p", "Patient")), "p") == ["Observation"]

    def test_a_vital_sign_conforms_to_the_profile_of_its_code(self) -> None:
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}

        assert "Observation.subject" in errors(observation(code=code), world_of())
