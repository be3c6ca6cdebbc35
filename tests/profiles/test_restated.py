"""Whether the guides we restate come to the same judgement as the published ones: on their examples, and on the same
examples with one mistake each."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_server.kernel.wire import decode
from fhir_server.validation.validator import check
from tests.profiles.sides import SHARED, Side, asked, errors, examples, mutants, published, restated

MUTANTS = 100  # of one example; a large Bundle has a thousand
EXAMPLES = [pytest.param(guide, path, id=f"{guide}/{path.stem}") for guide, path in examples()]

needs_published = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/fhir-fr, the published guides and their examples, is not there"
)


@needs_published
@pytest.mark.parametrize(("guide", "path"), EXAMPLES)
def test_an_example_has_the_same_mistakes(guide: str, path: Path) -> None:
    tree = decode(path.read_bytes())
    profiles = asked(tree, guide)

    assert errors(tree, restated(), profiles) == errors(tree, published(), profiles)


@needs_published
@pytest.mark.parametrize(("guide", "path"), EXAMPLES)
def test_a_mistake_that_the_published_guides_see_ours_see(guide: str, path: Path) -> None:
    tree = decode(path.read_bytes())
    profiles = asked(tree, guide)

    before = {side: errors(tree, side, profiles) for side in (published(), restated())}
    by_itself = len(check(tree))

    def new(mutant: dict[str, object], side: Side) -> set[str]:
        return errors(mutant, side, profiles) - before[side]

    # What FHIR itself sees says nothing about profiles.
    found = [(name, mutant) for name, mutant in mutants(tree, MUTANTS) if len(check(mutant)) <= by_itself]
    seen = [(name, mutant) for name, mutant in found if new(mutant, published())]

    assert [name for name, mutant in seen if not new(mutant, restated())] == []
