"""Search expressions as straight Python: the paths of a FHIRPath subset, found by `dict.get` and `for` alone.

The expressions of SearchParameters use little of FHIRPath: paths, `|`, `as`, `ofType`, `where`, `extension`,
`resolve() is`, `exists()`, `!=` and `and`. Such an expression is the same as a set of *routes* through the JSON of one
type: which properties to take, which to loop over, what to test on the way. Routes of many expressions that begin alike
share their beginning in the generated source. The type may be a backbone or a data type: the components of a composite
are read from there.

https://hl7.org/fhir/R4/fhirpath.html · https://hl7.org/fhir/R4/searchparameter-definitions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from fhir_server.definitions.elements import Child, shape_of


class Uncovered(Exception):
    """The expression is outside the subset."""


class Unnamed(Uncovered):
    """The expression names what the type does not have: it never finds anything, whoever reads it."""


@dataclass(frozen=True, slots=True)
class Get:
    """The values of one JSON property: each one of a list, or only that at `index`."""

    property: str
    array: bool
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Equals:
    """`where(system = 'phone')`."""

    property: str
    value: str


@dataclass(frozen=True, slots=True)
class PointsTo:
    """`where(resolve() is Patient)`, decided from what the Reference says."""

    type: str


@dataclass(frozen=True, slots=True)
class HasExtension:
    """`where(hasExtension('http://…'))`."""

    url: str


@dataclass(frozen=True, slots=True)
class Holds:
    """`a.exists() and a != false`: from here on the value is the answer, true or false.

    A term is (properties of which one must be there, value that it must differ from or None for `exists()`).
    """

    terms: tuple[tuple[tuple[str, ...], bool | str | None], ...]


Step: TypeAlias = Get | Equals | PointsTo | HasExtension | Holds


@dataclass(frozen=True, slots=True)
class Route:
    """One way from the root of a resource to values of `type`. `value_set`: their `required` binding, or None."""

    steps: tuple[Step, ...]
    type: str
    value_set: str | None = None


@cache
def routes_of(resource_type: str, expression: str) -> tuple[Route, ...]:
    """Every route of `expression` on `resource_type`, none where all its alternatives are about other types.

    Raises `Uncovered`.
    """
    reader = _Reader(resource_type, expression)
    routes = reader.union()
    reader.expect("")
    return tuple(dict.fromkeys(routes))


Leaf: TypeAlias = Callable[[str], Iterable[str]]  # the name of a variable → lines that use the value in it


def source_of(
    leaves: Sequence[tuple[Route, Leaf]], start: str = "r", root: str = "r", prefix: str = "v"
) -> list[str]:
    """Lines of Python that bring every value of every route to its leaf.

    `start` is the variable that holds what the routes start from, `root` the resource that `#id` is looked up in. A
    leaf that has routes of its own gives them another `prefix` for their variables. The lines use one name from
    outside: `points_to` of `targets.py`.
    """
    trunk = _Node()
    for route, leaf in leaves:
        node = trunk
        for step in route.steps:
            node = node.branches.setdefault(step, _Node())
        node.leaves.append(leaf)
    lines: list[str] = []
    _Writing(root, prefix, lines).write(trunk, start, 0)
    return lines


@dataclass(slots=True)
class _Node:
    branches: dict[Step, _Node] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Writing:
    root: str
    prefix: str
    lines: list[str]

    def write(self, node: _Node, value: str, depth: int) -> None:
        """The lines for what begins at `node`, whose value is in the variable `value`."""
        for leaf in node.leaves:
            for line in leaf(value):
                self._put(depth, line)
        for step, child in node.branches.items():
            inner = f"{self.prefix}{len(self.lines)}"  # the number of the line: no two are alike
            match step:
                case Get(name, array=False):
                    self._put(depth, f"{inner} = {value}.get({name!r})")
                    self._put(depth, f"if {inner} is not None:")
                    self.write(child, inner, depth + 1)
                case Get(name, index=None):
                    # A list of primitives may hold null, where only an extension stands.
                    self._put(depth, f"for {inner} in {value}.get({name!r}, ()):")
                    self._put(depth + 1, f"if {inner} is not None:")
                    self.write(child, inner, depth + 2)
                case Get(name, index=int(index)):
                    self._put(depth, f"for {inner} in {value}.get({name!r}, ())[{index}:{index + 1}]:")
                    self.write(child, inner, depth + 1)
                case Equals(name, literal):
                    self._put(depth, f"if {value}.get({name!r}) == {literal!r}:")
                    self.write(child, value, depth + 1)
                case PointsTo(type):
                    self._put(depth, f"if points_to({value}, {type!r}, {self.root}):")
                    self.write(child, value, depth + 1)
                case HasExtension(url):
                    self._put(
                        depth, f"if any(e.get('url') == {url!r} for e in {value}.get('extension', ())):"
                    )
                    self.write(child, value, depth + 1)
                case Holds(terms):
                    self._put(depth, f"{inner} = {' and '.join(_term(value, *term) for term in terms)}")
                    self.write(child, inner, depth)

    def _put(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)


def _term(value: str, properties: tuple[str, ...], other: bool | str | None) -> str:
    tests = [
        f"{value}.get({name!r}) is not None"
        if other is None
        else f"{value}.get({name!r}, {other!r}) != {other!r}"
        for name in properties
    ]
    return f"({' or '.join(tests)})"


_Term: TypeAlias = tuple[tuple[str, ...], bool | str | None]
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|'(?P<text>[^']*)'|(?P<number>\d+)|(?P<sign>!=|[.|()\[\]=]))"
)


class _Reader:
    """Reads one expression, holding at every moment the routes to what has been read so far."""

    def __init__(self, resource_type: str, expression: str) -> None:
        self.type = resource_type
        self.expression = expression
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(expression.rstrip()):
            found = _TOKEN.match(expression, place)
            if not found:
                raise self._uncovered()
            self.tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            place = found.end()
        self.tokens.append(("end", ""))
        self.place = 0

    def union(self) -> list[Route]:
        routes = self._conjunction()
        while self._take("|"):
            routes += self._conjunction()
        return routes

    def expect(self, text: str) -> None:
        if not self._take(text):
            raise self._uncovered()

    def _conjunction(self) -> list[Route]:
        terms: list[_Term] = []
        routes = self._comparison(terms)
        while self._take("and"):
            routes = self._comparison(terms)
        if not terms:
            return routes
        # One answer a resource, also when the element is absent; about another type, none.
        return [Route((Holds(tuple(terms)),), "boolean")] if terms[0][0] else []

    def _comparison(self, terms: list[_Term]) -> list[Route]:
        routes = self._path(terms)
        if self._take("!="):
            kind, text = self._next()
            terms.append((self._properties(routes), text == "true" if kind == "name" else text))
        elif self._take("as"):
            routes = _of_type(routes, self._name())
        return routes

    def _path(self, terms: list[_Term]) -> list[Route]:
        if self._take("("):
            routes = self.union()
            self.expect(")")
        else:
            name, root = self._name(), [Route((), self.type)]
            if name in {self.type, "Resource", "DomainResource"}:
                routes = root
            elif self._take("("):
                routes = self._function(root, name)
            else:
                routes = [] if name[:1].isupper() else self._child(root, name)
        while True:
            if self._take("["):
                routes = [_at(route, int(self._next()[1])) for route in routes]
                self.expect("]")
            elif not self._take("."):
                return routes
            else:
                name = self._name()
                if not self._take("("):
                    routes = self._child(routes, name)
                elif name == "exists":
                    self.expect(")")
                    terms.append((self._properties(routes), None))
                else:
                    routes = self._function(routes, name)

    def _function(self, routes: list[Route], name: str) -> list[Route]:
        match name:
            case "as" | "ofType":
                found = _of_type(routes, self._name())
            case "extension":
                url = self._next()[1]
                found = [
                    Route((*r.steps, Get("extension", True), Equals("url", url)), "Extension") for r in routes
                ]
            case "where":
                found = self._where(routes)
            case _:
                raise self._uncovered()
        self.expect(")")
        return found

    def _where(self, routes: list[Route]) -> list[Route]:
        name = self._name()
        if name == "resolve":
            self.expect("(")
            self.expect(")")
            self.expect("is")
            target = self._name()
            return [_after(route, PointsTo(target)) for route in routes if route.type == "Reference"]
        if name == "hasExtension":
            self.expect("(")
            url = self._next()[1]
            self.expect(")")
            return [_after(route, HasExtension(url)) for route in routes]
        self.expect("=")
        kind, text = self._next()
        if kind != "text":
            raise self._uncovered()
        return [_after(route, Equals(name, text)) for route in routes]

    def _child(self, routes: list[Route], name: str) -> list[Route]:
        found = [
            Route((*route.steps, Get(c.property, c.array)), c.type, c.value_set)
            for route in routes
            for c in _children(route.type, name)
        ]
        if routes and not found:
            raise Unnamed(str(self._uncovered()))
        return found

    def _properties(self, routes: list[Route]) -> tuple[str, ...]:
        found = []
        for route in routes:
            match route.steps:
                case (Get(name, array=False),):
                    found.append(name)
                case _:
                    raise self._uncovered()
        return tuple(found)

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise self._uncovered()
        return text

    def _next(self) -> tuple[str, str]:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def _take(self, text: str) -> bool:
        kind, found = self.tokens[self.place]
        if kind == "text" or found != text:
            return False
        self.place += 1
        return True

    def _uncovered(self) -> Uncovered:
        return Uncovered(f"{self.type}: {self.expression}")


def _children(type_name: str, name: str) -> list[Child]:
    try:
        shape = shape_of(type_name)
    except KeyError:
        return []
    return [child for child in shape.children.values() if child.element == name]


def _of_type(routes: list[Route], type_name: str) -> list[Route]:
    return [route for route in routes if route.type == type_name]


def _after(route: Route, step: Step) -> Route:
    return Route((*route.steps, step), route.type, route.value_set)


def _at(route: Route, index: int) -> Route:
    match route.steps:
        case (*before, Get(name, array=True)):
            return Route((*before, Get(name, True, index)), route.type, route.value_set)
        case _:
            raise Uncovered(f"[{index}] behind something that is not a list")
