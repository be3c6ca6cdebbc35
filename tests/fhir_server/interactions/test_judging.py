"""Whether a resource may be written: base R4, before any profile."""

from __future__ import annotations

import pytest

from fhir_server.interactions.judging import require_sound
from fhir_server.kernel.errors import Invalid
from tests.builders import extension, patient
from tests.fhir_server.interactions.performing import Performer


def test_everything_wrong_is_told_at_once(perform: Performer) -> None:
    with pytest.raises(Invalid) as caught:
        require_sound(patient(gender="blue", birthDate="soon"), perform.server)

    assert {issue.expression for issue in caught.value.issues} == {"Patient.gender", "Patient.birthDate"}


def test_a_uuid_that_became_a_link_is_no_mistake(perform: Performer) -> None:
    tree = patient(extension=[extension(valueUuid="Patient/1")])

    assert require_sound(tree, perform.server) is tree
    with pytest.raises(Invalid) as caught:
        require_sound(patient(extension=[extension(valueUuid="Patient/1")], gender="blue"), perform.server)
    assert [issue.expression for issue in caught.value.issues] == ["Patient.gender"]
