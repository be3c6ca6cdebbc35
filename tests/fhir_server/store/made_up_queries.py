"""Queries about the made-up resources of `made_up.py`: random ones of every kind, and some by name."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Dates,
    DateValue,
    Has,
    Ids,
    Listed,
    Missing,
    Name,
    Near,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Quantities,
    QuantityValue,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
)
from tests.fhir_server.store.made_up import (
    BIRTH,
    CODE,
    CODES,
    DATE,
    DAY,
    FAMILY,
    GENDER,
    INSIDE,
    LANGUAGE,
    LINK,
    LIST,
    LISTS,
    MEMBER,
    NUMBERS,
    OBSERVATION,
    OBSERVATIONS,
    PATIENT,
    PATIENTS,
    PLACE,
    PLACES,
    STATUS,
    SUBJECT,
    SYSTEMS,
    TEXTS,
    UNITS,
    VALUE,
    WORDS,
)

IDENTIFIER = Tokens(Name(PATIENT, "identifier"), (TokenValue("s", "1"),))
MALE = Tokens(GENDER, (TokenValue("s", "a"),))
FRENCH = Tokens(LANGUAGE, (TokenValue(None, "a"),))
NAMED = Strings(FAMILY, (StringValue("a"),))
BORN = Dates(BIRTH, (DateValue("ge", 0, 1),))
OF_PATIENT = References(LINK, (PATIENTS[0],))
BY_DATE = (Sort("date", BIRTH, True),)
LATEST = (Sort("date", DATE, True), Sort("id", None))
FINAL = Tokens(STATUS, (TokenValue("s", "a"),))
OBSERVED = Has(SUBJECT, FINAL)


def asked(*where: Predicate, sort: tuple[Sort, ...] = ()) -> Query:
    return Query((PATIENT,), where, sort)


def several(of: Any, most: int = 2) -> Any:
    return st.lists(of, min_size=1, max_size=most, unique=True).map(tuple)


token_values = st.builds(
    TokenValue, st.sampled_from((None, *SYSTEMS)), st.sampled_from(CODES), st.booleans()
) | st.builds(TokenValue, st.sampled_from(("s", "t")), st.none())
prefixes = st.sampled_from(("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"))
spans = st.sampled_from(
    [(0, 10), (5, 6), (5, 10), (10, 20), (9, 11), (0, 1), (0, DAY), (DAY, 2 * DAY), (DAY + 5, 60 * DAY)]
)
date_values = several(st.builds(lambda p, s: DateValue(p, *s), prefixes, spans))
numbers = st.sampled_from((*NUMBERS, 15.0, 20.0))
quantity_values = st.builds(
    lambda p, v, w, u: QuantityValue(p, v, v - w, v + w, u),
    prefixes,
    numbers,
    st.sampled_from((0.0, 0.5, 3.0)),
    st.sampled_from(UNITS),
)
modes = st.sampled_from(("starts", "contains", "is", "ends"))
string_values = st.builds(
    StringValue, st.sampled_from(("a", "ad", "ada", "b", "é", "ab", "")), modes
) | st.builds(StringValue, st.sampled_from((*TEXTS, "ADA", "ZOE")), st.just("exact"))
term_values = st.builds(StringValue, st.sampled_from(("a", "ad", "ada", "b")), modes)


def tokens_of(*names: Name) -> Any:
    return st.builds(Tokens, st.sampled_from(names), several(token_values, 3))


def missing_of(*names: Name) -> Any:
    return st.builds(Missing, st.sampled_from(names), st.booleans())


def references_of(name: Name, targets: list[Key]) -> Any:
    others = st.sampled_from(((), ("http://elsewhere",)))
    return st.builds(References, st.just(name), several(st.sampled_from(targets)), others)


def ids_of(keys: list[Key]) -> Any:
    return st.builds(Ids, several(st.sampled_from([key.id for key in keys]), 5))


general = (
    st.just(Nothing())
    | st.builds(Listed, st.sampled_from([*LISTS, Key(LIST, "none")]))
    | st.builds(OfTypes, several(st.sampled_from((PATIENT, OBSERVATION))))
)
of_patients = st.one_of(
    tokens_of(GENDER, LANGUAGE),
    tokens_of(GENDER, LANGUAGE),
    references_of(LINK, PATIENTS),
    st.builds(Strings, st.just(FAMILY), several(string_values)),
    st.builds(Dates, st.just(BIRTH), date_values),
    st.builds(
        lambda place, metres: Near(PLACE, place[0], place[1], metres),
        st.sampled_from(PLACES),
        st.sampled_from((0.0, 2_000.0, 30_000.0, 1e6, 3e7)),
    ),
    missing_of(GENDER, FAMILY, BIRTH, LINK),
    ids_of(PATIENTS),
    general,
)
of_observations = st.one_of(
    tokens_of(CODE, STATUS, INSIDE),
    tokens_of(CODE, STATUS),
    references_of(SUBJECT, PATIENTS[:12]),
    st.builds(Dates, st.just(DATE), date_values),
    st.builds(Quantities, st.just(VALUE), several(quantity_values)),
    st.builds(Terms, st.just(WORDS), several(term_values)),
    missing_of(CODE, DATE, SUBJECT),
    ids_of(OBSERVATIONS),
    general,
)


def grown(patients: Any, observations: Any) -> tuple[Any, Any]:
    """One step deeper: groups, negations, and what other resources say."""
    return (
        st.one_of(
            st.builds(Not, patients),
            st.builds(AnyOf, st.lists(patients, min_size=2, max_size=3).map(tuple)),
            st.builds(AllOf, st.lists(patients, min_size=2, max_size=2).map(tuple)),
            st.builds(Chain, st.just(LINK), st.just(PATIENT), patients),
            st.builds(Has, st.just(LINK), patients),
            st.builds(Has, st.just(SUBJECT), observations),
        ),
        st.one_of(
            st.builds(Not, observations),
            st.builds(AnyOf, st.lists(observations, min_size=2, max_size=3).map(tuple)),
            st.builds(AllOf, st.lists(observations, min_size=2, max_size=2).map(tuple)),
            st.builds(Chain, st.just(SUBJECT), st.just(PATIENT), patients),
            st.builds(Chain, st.just(MEMBER), st.just(OBSERVATION), observations),
            st.builds(Has, st.just(MEMBER), observations),
        ),
    )


grown_patients, grown_observations = grown(of_patients, of_observations)
deep_patients, deep_observations = grown(of_patients | grown_patients, of_observations | grown_observations)
predicates = {
    PATIENT: st.one_of(of_patients, of_patients, grown_patients, deep_patients),
    OBSERVATION: st.one_of(of_observations, of_observations, grown_observations, deep_observations),
}
plain_sorts = st.builds(Sort, st.sampled_from(("id", "updated")), st.none(), st.booleans())
sorts = {
    PATIENT: st.one_of(
        plain_sorts,
        st.builds(Sort, st.just("date"), st.just(BIRTH), st.booleans()),
        st.builds(Sort, st.just("string"), st.just(FAMILY), st.booleans()),
        st.builds(Sort, st.just("text"), st.just(GENDER), st.booleans()),
    ),
    OBSERVATION: st.one_of(
        plain_sorts,
        st.builds(Sort, st.just("date"), st.just(DATE), st.booleans()),
        st.builds(Sort, st.just("number"), st.just(VALUE), st.booleans()),
        st.builds(Sort, st.just("text"), st.just(STATUS), st.booleans()),
    ),
}


def asked_of(kind: str) -> Any:
    return st.builds(
        lambda where, sort: Query((kind,), where, sort),
        st.lists(predicates[kind], max_size=3).map(tuple),
        st.lists(sorts[kind], max_size=2).map(tuple),
    )


asked_of_several = st.builds(
    Query,
    st.sampled_from(((), (PATIENT, OBSERVATION), (OBSERVATION, LIST), (PATIENT, "Unheard"))),
    st.lists(
        st.one_of(
            general,
            ids_of([*PATIENTS, *OBSERVATIONS]),
            st.builds(lambda one, other: AnyOf((one, other)), tokens_of(GENDER), tokens_of(CODE)),
            st.builds(lambda one: Not(AnyOf((one, Has(SUBJECT, one)))), tokens_of(CODE)),
            st.builds(Has, st.just(SUBJECT), of_observations),
            tokens_of(GENDER),
            st.builds(Dates, st.just(DATE), date_values),
            st.builds(lambda one: AllOf((OfTypes((PATIENT,)), one)), missing_of(GENDER)),
        ),
        max_size=2,
    ).map(tuple),
    st.lists(plain_sorts, max_size=2).map(tuple),
)
