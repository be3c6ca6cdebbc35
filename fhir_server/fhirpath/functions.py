"""The functions of the language in one table, and those on collections, types and the tree.

What the language has and this engine has not is refused by name.

http://hl7.org/fhirpath/N1/#functions · https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

from dataclasses import replace

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.strings import STRINGS
from fhir_server.fhirpath.syntax import Member, Path
from fhir_server.fhirpath.use import Scope, Table, Use, answer
from fhir_server.fhirpath.values import SYSTEM, SYSTEM_TYPES, Model, Node, made, system_of


def apply(use: Use) -> list[Node]:
    """The result of a function. Raises `CannotEvaluate` for an unknown one or a wrong number of arguments."""
    name, given = use.call.name, len(use.call.arguments)
    if name in _ABSENT:
        raise use.refusal("this server does not have this function", code="not-supported")
    if name not in FUNCTIONS:
        raise CannotEvaluate("FHIRPath has no function of this name", use.position)
    function, least, most = FUNCTIONS[name]
    if not least <= given <= most:
        raise use.refusal(
            f"{given} arguments are given, and it takes {least if least == most else f'{least} to {most}'}"
        )
    return function(use)


def is_a(node: Node, name: str, model: Model, position: int) -> bool:
    """Whether an item is of a type or of one derived from it. http://hl7.org/fhirpath/N1/#is-type-specifier

    A name without namespace is looked up where the item's own type is: `boolean` among FHIR's, `Boolean` among
    System's.
    """
    namespace, _, local = name.rpartition(".")
    known = local in SYSTEM_TYPES or model.knows(local)
    if namespace not in {"", "System", "FHIR"} or not known:
        raise CannotEvaluate("there is no type of this name", position)
    if node.type.startswith(SYSTEM):
        return namespace != "FHIR" and node.type.removeprefix(SYSTEM) == local
    if namespace == "System":
        return False
    found: str | None = node.type
    while found is not None and found != local:
        found = model.supertype(found)
    return found is not None


def _type_argument(use: Use) -> str:
    """The type that `ofType(FHIR.Patient)` names; to the grammar it is a path."""
    match use.call.arguments[0]:
        case Member(name=name):
            return name
        case Path(origin=Member(name=namespace), steps=(Member(name=name),)):
            return f"{namespace}.{name}"
    raise use.refusal("the name of a type is expected as argument")


# Existence


def _exists(use: Use) -> list[Node]:
    return [made(bool(_where(use) if use.call.arguments else use.items))]


def _all(use: Use) -> list[Node]:
    return [made(all(operators.truth(found, use.position) for _, found in use.each()))]


def _not(use: Use) -> list[Node]:
    value = operators.truth(use.items, use.position)
    return answer(None if value is None else not value)


def _subset_of(use: Use) -> list[Node]:
    return [made(set(use.keys(use.items)) <= set(use.keys(use.argument())))]


def _superset_of(use: Use) -> list[Node]:
    return [made(set(use.keys(use.items)) >= set(use.keys(use.argument())))]


def _is_distinct(use: Use) -> list[Node]:
    return [made(len(use.distinct(use.items)) == len(use.items))]


# Filtering and projection


def _where(use: Use) -> list[Node]:
    return [node for node, found in use.each() if operators.truth(found, use.position)]


def _select(use: Use) -> list[Node]:
    return [found for _, items in use.each() for found in items]


def _repeat(use: Use) -> list[Node]:
    found: dict[object, Node] = {}
    waiting = list(use.items)
    while waiting:
        fresh = []
        for index, node in enumerate(waiting):
            for item in use.of(node, 0, index):
                key = operators.key_of(item, use.engine.budget, use.position)
                if key not in found:
                    found[key] = item
                    fresh.append(item)
        waiting = fresh
    return list(found.values())


def _aggregate(use: Use) -> list[Node]:
    total = use.argument(1)
    for index, node in enumerate(use.items):
        scope = Scope((node,), index, total)
        total = use.engine.evaluate(use.call.arguments[0], scope)
    return total


def _of_type(use: Use) -> list[Node]:
    name = _type_argument(use)
    return [node for node in use.items if is_a(node, name, use.engine.model, use.position)]


def _as(use: Use) -> list[Node]:
    operators.single(use.items, use.position)
    return _of_type(use)


def _is(use: Use) -> list[Node]:
    node = operators.single(use.items, use.position)
    return [] if node is None else [made(is_a(node, _type_argument(use), use.engine.model, use.position))]


# Subsets and sets


def _single(use: Use) -> list[Node]:
    operators.single(use.items, use.position)
    return list(use.items)


def _skip(use: Use) -> list[Node]:
    return list(use.items[max(0, use.integer() or 0) :])


def _take(use: Use) -> list[Node]:
    return list(use.items[: max(0, use.integer() or 0)])


def _union(use: Use) -> list[Node]:
    return use.distinct([*use.items, *use.argument()])


def _intersect(use: Use) -> list[Node]:
    others = set(use.keys(use.argument()))
    return [node for node in use.distinct(use.items) if use.keys([node])[0] in others]


def _exclude(use: Use) -> list[Node]:
    others = set(use.keys(use.argument()))
    return [node for node, key in zip(use.items, use.keys(use.items), strict=True) if key not in others]


# The tree


def _children(use: Use) -> list[Node]:
    return [child for node in use.items for child in use.engine.children(node, use.position)]


def _descendants(use: Use) -> list[Node]:
    found: list[Node] = []
    level = _children(use)
    while level:
        found += level
        level = [child for node in level for child in use.engine.children(node, use.position)]
    return found


def _extension(use: Use) -> list[Node]:
    url = use.string()
    extensions = [e for node in use.items for e in use.engine.named(node, "extension", use.position)]
    return [e for e in extensions if url is not None and e.inside.get("url") == url]


def _has_value(use: Use) -> list[Node]:
    return [made(len(use.items) == 1 and _is_simple(use.items[0]))]


def _get_value(use: Use) -> list[Node]:
    return answer(system_of(use.items[0])) if len(use.items) == 1 and _is_simple(use.items[0]) else []


def _is_simple(node: Node) -> bool:
    return node.value is not None and not isinstance(node.value, dict)


# Control


def _iif(use: Use) -> list[Node]:
    operators.single(use.items, use.position)
    scope = replace(use.scope, this=use.items) if use.items else use.scope
    arguments = use.call.arguments
    chosen = 1 if operators.truth(use.engine.evaluate(arguments[0], scope), use.position) else 2
    return use.engine.evaluate(arguments[chosen], scope) if chosen < len(arguments) else []


FUNCTIONS: Table = {
    "empty": (lambda use: [made(not use.items)], 0, 0),
    "exists": (_exists, 0, 1),
    "all": (_all, 1, 1),
    "allTrue": (lambda use: [made(all(truth is True for truth in use.truths()))], 0, 0),
    "anyTrue": (lambda use: [made(any(truth is True for truth in use.truths()))], 0, 0),
    "allFalse": (lambda use: [made(all(truth is False for truth in use.truths()))], 0, 0),
    "anyFalse": (lambda use: [made(any(truth is False for truth in use.truths()))], 0, 0),
    "not": (_not, 0, 0),
    "subsetOf": (_subset_of, 1, 1),
    "supersetOf": (_superset_of, 1, 1),
    "count": (lambda use: [made(len(use.items))], 0, 0),
    "distinct": (lambda use: use.distinct(use.items), 0, 0),
    "isDistinct": (_is_distinct, 0, 0),
    "where": (_where, 1, 1),
    "select": (_select, 1, 1),
    "repeat": (_repeat, 1, 1),
    "aggregate": (_aggregate, 1, 2),
    "ofType": (_of_type, 1, 1),
    "as": (_as, 1, 1),
    "is": (_is, 1, 1),
    "single": (_single, 0, 0),
    "first": (lambda use: list(use.items[:1]), 0, 0),
    "last": (lambda use: list(use.items[-1:]), 0, 0),
    "tail": (lambda use: list(use.items[1:]), 0, 0),
    "skip": (_skip, 1, 1),
    "take": (_take, 1, 1),
    "union": (_union, 1, 1),
    "combine": (lambda use: [*use.items, *use.argument()], 1, 1),
    "intersect": (_intersect, 1, 1),
    "exclude": (_exclude, 1, 1),
    "children": (_children, 0, 0),
    "descendants": (_descendants, 0, 0),
    "extension": (_extension, 1, 1),
    "hasValue": (_has_value, 0, 0),
    "getValue": (_get_value, 0, 0),
    "iif": (_iif, 2, 3),
    "trace": (lambda use: list(use.items), 1, 2),
    **STRINGS,
}

# Of the language, of R4 and of the common extensions. `matches` needs expressions in linear time, which `re` is not.
_ABSENT = frozenset(
    {
        "abs", "ceiling", "checkModifiers", "comparable", "conformsTo", "convertsToBoolean",
        "convertsToDate", "convertsToDateTime", "convertsToDecimal", "convertsToInteger",
        "convertsToQuantity", "convertsToString", "convertsToTime", "decode", "elementDefinition",
        "encode", "escape", "exp", "floor", "highBoundary", "htmlChecks", "ln", "log",
        "lowBoundary", "matches", "matchesFull", "memberOf", "now", "power", "precision",
        "replaceMatches", "resolve", "round", "slice", "sort", "sqrt", "subsumedBy", "subsumes",
        "timeOfDay", "toBoolean", "toDate", "toDateTime", "toDecimal", "toInteger", "toQuantity",
        "toTime", "today", "truncate", "type", "unescape",
    }
)  # fmt: skip
