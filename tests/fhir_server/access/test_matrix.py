"""The access matrix as data."""

from __future__ import annotations

import pytest

from fhir_server.access.cells import CATEGORIES
from fhir_server.access.matrix import NOTHING, ROLES, Rights, matrix_of, shipped_matrix
from fhir_server.access.shipped import BadTable, shipped

HEAD = "role,category,read,create,update\n"
LINES = shipped("matrix").decode().splitlines()[1:]


def changed(line: str, other: str) -> bytes:
    """The shipped matrix with one line changed."""
    return (HEAD + "\n".join(other if one == line else one for one in LINES)).encode()


def test_the_shipped_matrix_has_every_role_and_category() -> None:
    matrix = shipped_matrix()

    assert len(ROLES) == 21
    assert len(CATEGORIES) == 15
    assert set(matrix.rights) == {(role, category) for role in ROLES for category in CATEGORIES}
    assert matrix.of("pharmacien", "plan") == Rights("all", "action", "own")


def test_a_role_that_is_not_in_it_may_do_nothing() -> None:
    assert shipped_matrix().of("operateur", "sante") == NOTHING


def test_nobody_writes_traces() -> None:
    rights = [shipped_matrix().of(role, "trace") for role in ROLES]

    assert {(one.create, one.update) for one in rights} == {("no", "none")}


def test_the_version_names_the_content() -> None:
    other = matrix_of(changed("dpo,trace,all,no,none", "dpo,trace,none,no,none"))

    assert len(shipped_matrix().version) == 12
    assert other.version != shipped_matrix().version
    assert other.of("dpo", "trace") == NOTHING


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ("dpo,traces,all,no,none", "line 315: column 'category' has one of identite, "),
        ("dpe,trace,all,no,none", "line 315: column 'role' has one of medecin-traitant, "),
        ("dpo,trace,some,no,none", "line 315: column 'read' has one of none, own, minimal, consent, all"),
        ("dpo,trace,all,maybe,none", "line 315: column 'create' has one of no, action, yes"),
        ("dpo,trace,all,no,action", "line 315: column 'update' has one of none, own, all"),
        ("dpo,sante,all,action,none", "line 315: 'action' is for the category 'plan' alone"),
        ("dpo,trace,all,yes,none", "line 315: nobody writes traces"),
        ("dpo,trace,all,no,own", "line 315: nobody writes traces"),
        ("dpo,sante,all,no,none", "line 315: role 'dpo' has a line for 'sante' already"),
        ("", "line 315: a row has 5 cells, this one 0"),
    ],
)
def test_a_matrix_that_says_something_else_is_refused(other: str, text: str) -> None:
    with pytest.raises(BadTable) as caught:
        matrix_of(changed("dpo,trace,all,no,none", other))

    assert f"access matrix, {text}" in str(caught.value)


def test_a_matrix_that_is_not_complete_is_refused() -> None:
    data = (HEAD + "\n".join(line for line in LINES if not line.startswith("dpo,m"))).encode()

    with pytest.raises(BadTable, match="2 lines are missing; the first is role 'dpo', 'mdph'"):
        matrix_of(data)
