"""Random searches of a world, as the query part of a URL: values that are there, bent a little, and some that are not.

Values are gathered from the world's resources by the shape they have, so a question knows nothing of how parameters
find theirs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random
from typing import Any
from urllib.parse import quote

from fhir_server.definitions.parameters import Parameter, parameters_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Number, Tree
from fhir_server.search.escapes import escaped
from fhir_server.search.texts import texts_of
from tests.contracts.values import BASE, URLS, WORDS
from tests.contracts.worlds import SIZES, World

Pool = dict[tuple[str, str], list[Any]]  # by resource type and kind; never empty lists

_PREFIXES = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_DATE = re.compile(r"\d{4}(-\d\d){0,2}(T.*)?\Z")
_SPECIAL = frozenset({"_filter", "_query", "_text", "_content", "_list", "_has", "_type", "_in"})
_FREE = ("Tension", "hypertension", "weight", "payet")  # words that no dictionary bends


class Values:
    """What the resources of a world hold, by type and by kind of parameter. `stamps`: of their versions, in µs.

    `present`: the parameters that a resource has a value of.
    """

    def __init__(self, world: World, stamps: Iterable[int], present: Callable[[Parameter], bool]) -> None:
        self.world = world
        self.stamps = [instant_text(stamp) for stamp in stamps]
        self.lists = [key.id for key in world.keys["List"]]
        self.parameters = {name: list(filter(present, _parameters(name))) for name in SIZES}
        found: defaultdict[tuple[str, str], dict[Any, None]] = defaultdict(dict)
        for key, tree in world.trees.items():
            _gather(key.type, tree, found)
        self._found: Pool = {place: list(values) for place, values in found.items()}

    def one_of(self, chance: Random, resource_type: str) -> Parameter:
        """A parameter of the type: of any kind alike, because most are tokens."""
        pool = self.parameters[resource_type] if _mostly(chance) else _parameters(resource_type)
        kind = chance.choice(sorted({parameter.kind for parameter in pool}))
        return chance.choice([parameter for parameter in pool if parameter.kind == kind])

    def of(self, resource_type: str, kind: str) -> list[Any]:
        return self._found.get((resource_type, kind), [_ABSENT[kind]])

    def texts(self, parameter: Parameter) -> list[str]:
        """The parameter's own values; where it has none, some of its kind."""
        place = parameter.type, f"={parameter.code}"
        found = self._found.get(place)
        if found is None:
            trees = [tree for key, tree in self.world.trees.items() if key.type == parameter.type]
            own = dict.fromkeys(text for tree in trees for text in texts_of(tree, parameter.code))
            others = self.of(parameter.type, parameter.kind)
            found = self._found[place] = list(own) or [
                other[1] if parameter.kind == "token" else other for other in others
            ]
        return found

    def systems(self, resource_type: str, code: str) -> list[str | None]:
        """The systems that a code is of; empty: unknown."""
        return [system for system, known in self.of(resource_type, "token") if known == code]


_ABSENT: dict[str, Any] = {
    "pair": ("absent", "5"),
    "token": (None, "absent"),
    "text": "Tension",
    "string": "absent",
    "date": "2024",
    "number": "5",
    "quantity": ("5", "http://unitsofmeasure.org", "mg"),
    "reference": "Patient/pat0",
    "identifier": ("urn:nir", "1"),
    "type": ("MR", "1"),
    "uri": URLS[0],
}


def _gather(resource_type: str, value: Any, found: defaultdict[tuple[str, str], dict[Any, None]]) -> None:
    def put(kind: str, what: Any) -> None:
        found[resource_type, kind][what] = None

    match value:
        case list():
            for child in value:
                _gather(resource_type, child, found)
        case {"system": str(system), "code": str(code), "value": number}:
            put("quantity", (_digits(number), system, code))
        case {"value": int() | Number() as number, **rest}:
            put("quantity", (_digits(number), "", rest.get("unit", "")))
            put("number", _digits(number))
        case {"value": str(text)}:
            put("token", (value.get("system"), text))
            put("identifier", (value.get("system"), text))
            if "type" in value:
                put("type", (value["type"]["coding"][0]["code"], text))
        case {"reference": str(text)}:
            put("reference", text)
        case dict():
            if isinstance(value.get("code"), str):
                put("token", (value.get("system"), value["code"]))
            for pair in _pairs(value):
                put("pair", pair)
            for name, child in value.items():
                if name in {"text", "display"} and isinstance(child, str):
                    put("text", child)
                _gather(resource_type, child, found)
        case bool():
            put("token", (None, "true" if value else "false"))
        case str() if _DATE.match(value):
            put("date", value)
        case str() if "://" in value or value.startswith("urn:"):
            put("uri", value)
        case str():
            put("token", (None, value))
            put("string", value)
        case int() | Number():
            put("number", _digits(value))


def _pairs(element: Tree) -> list[tuple[str, str]]:
    """What a composite finds side by side: codes, each with a value as it would be asked for."""
    concept = element.get("code") or element.get("chromosome")
    if not isinstance(concept, dict):
        return []
    codes = [coding["code"] for coding in concept.get("coding", [concept]) if "code" in coding]
    beside = []
    for name, value in element.items():
        match value:
            case {"value": int() | Number() as number}:
                beside.append(_digits(number))
            case {"coding": [{"code": str(code)}, *_]} if name.startswith("value"):
                beside.append(escaped(code))
            case str() if name.startswith("value"):
                beside.append(escaped(value))
    if "windowStart" in element:
        beside.append(f"le{element['windowStart']}$ge{element['windowEnd']}")
    return [(escaped(code), value) for code in codes for value in beside]


def _digits(value: int | Number) -> str:
    return str(value) if isinstance(value, int) else bytes(value).decode()


# Values -------------------------------------------------------------------------------------------------------------


def _token(chance: Random, values: Values, parameter: Parameter) -> str:
    if parameter.kind == "token" and _mostly(chance):
        code = chance.choice(values.texts(parameter))
        system = chance.choice(values.systems(parameter.type, code) or [None])
    else:
        system, code = chance.choice(values.of(parameter.type, "token"))
    written = chance.choice((code, code, code.upper(), code.lower(), code[:-1] or "x"))
    match chance.choice("ccssno|"):
        case "c":
            return escaped(written)
        case "s":
            return f"{escaped(system or '')}|{escaped(written)}"
        case "n":
            return f"|{escaped(written)}"
        case "o":
            return f"urn:other|{escaped(written)}"
        case _:
            return f"{escaped(system or 'urn:local')}|"


def _string(chance: Random, values: Values, parameter: Parameter) -> str:
    pool = values.texts(parameter) if _mostly(chance) else values.of(parameter.type, "string")
    text = chance.choice(pool)
    start = chance.randint(0, min(2, len(text) - 1))
    end = chance.choice((len(text), len(text) - 1, 2, 1))
    piece: str = text[start : max(end, start + 1)]
    return escaped(chance.choice((piece, piece.upper(), piece.lower(), piece.title())))


def _date(chance: Random, values: Values, parameter: Parameter) -> str:
    return _day(chance, values.of(parameter.type, "date"))


def _day(chance: Random, pool: Sequence[str]) -> str:
    text = chance.choice(pool)
    cut = chance.choice((4, 7, 10, 100))
    return chance.choice(_PREFIXES) + text[:cut]


def _number(chance: Random, values: Values, parameter: Parameter) -> str:
    text = chance.choice(values.of(parameter.type, "number"))
    more = chance.choice(("", "", "0", "5", "1"))
    if "e" in text:
        more = ""
    elif more and "." not in text:
        more = f".{more}"
    return f"{chance.choice(_PREFIXES)}{text}{more}"


_SAME = {
    "mg": ("g", "0.001"),
    "g": ("mg", "1000"),
    "kg": ("g", "1000"),
    "min": ("s", "60"),
    "h": ("min", "60"),
}


def _quantity(chance: Random, values: Values, parameter: Parameter) -> str:
    text, system, unit = chance.choice(values.of(parameter.type, "quantity"))
    number = f"{chance.choice(_PREFIXES)}{text}"
    match chance.choice("nuuuwx"):
        case "n" | "x" if not unit or chance.random() < 0.5:
            return number
        case "u" if unit:
            return f"{number}|{system}|{unit}" if system else f"{number}||{unit}"
        case "w" if unit in _SAME:
            other, factor = _SAME[unit]
            product = float(text) * float(factor)
            return f"{chance.choice(_PREFIXES)}{product:.12g}|{system}|{other}"
        case _:
            return f"{number}||{unit or 'mg'}"


def _reference(chance: Random, values: Values, parameter: Parameter) -> str:
    pool = values.texts(parameter) if _mostly(chance) else values.of(parameter.type, "reference")
    text: str = chance.choice(pool)
    match chance.choice("aaaikbv"):
        case "i":
            return text.partition("/_history/")[0].rpartition("/")[2]
        case "k":
            return f"Patient/{text.rpartition('/')[2]}"
        case "b" if "://" not in text:
            return f"{BASE}/{text}"
        case "v" if "_history" not in text:
            return f"{text}/_history/1"
        case _:
            return text


def _uri(chance: Random, values: Values, parameter: Parameter) -> str:
    text: str = chance.choice(values.texts(parameter) if _mostly(chance) else URLS)
    cut, more = chance.choice(((None, ""), (None, ""), (None, "/z"), (-1, ""), (-2, ""), (None, "|1")))
    return escaped(text[:cut]) + (more if "|" not in text else "")


_WRITERS = {
    "token": _token,
    "string": _string,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": _reference,
    "uri": _uri,
}
_MODIFIERS = {
    "token": ("", "", "", "", ":not", ":text", ":of-type", ":missing"),
    "string": ("", "", "", ":exact", ":contains", ":missing"),
    "date": ("", "", "", "", ":missing"),
    "number": ("", "", "", "", ":missing"),
    "quantity": ("", "", "", "", ":missing"),
    "reference": ("", "", "", ":identifier", ":type", ":missing"),
    "uri": ("", "", ":below", ":above", ":missing"),
    "composite": ("", "", "", ":missing"),
}


def _value(chance: Random, values: Values, parameter: Parameter, modifier: str) -> str:
    kind = parameter.kind
    match modifier:
        case ":missing":
            return chance.choice(("true", "false"))
        case ":text":
            text: str = chance.choice((*values.of(parameter.type, "text"), *WORDS))
            return escaped(text[: chance.choice((3, 7, 200))])
        case ":of-type":
            code, number = chance.choice(values.of(parameter.type, "type"))
            return f"http://terminology.hl7.org/CodeSystem/v2-0203|{code}|{escaped(number)}"
        case ":identifier":
            system, number = chance.choice(values.of(parameter.type, "identifier"))
            return f"{system or ''}|{escaped(number)}" if chance.random() < 0.5 else escaped(number)
    if parameter.code == "_lastUpdated":
        return _day(chance, values.stamps)
    if modifier == ":exact" and _mostly(chance):
        pool = values.texts(parameter) if _mostly(chance) else values.of(parameter.type, "string")
        return escaped(chance.choice(pool))
    if kind == "composite":
        return _composite(chance, values, parameter)
    return _WRITERS[kind](chance, values, parameter)


def _composite(chance: Random, values: Values, parameter: Parameter) -> str:
    """Mostly what stands side by side; else components whose kinds are in the name of the parameter."""
    code = parameter.code
    pairs = values.of(parameter.type, "pair")
    if pairs and _mostly(chance):
        first, second = chance.choice(pairs)
        return f"{first}${second}"
    kinds = {"quantity": "quantity", "date": "date", "coordinate": "number", "context-type-value": "token"}
    second = next((kind for piece, kind in kinds.items() if piece in code), "token")
    parts = [_token(chance, values, parameter), _WRITERS[second](chance, values, parameter)]
    if "coordinate" in code:
        parts.append(_number(chance, values, parameter))
    return "$".join(part.replace("$", r"\$") for part in parts)


# Criteria -----------------------------------------------------------------------------------------------------------


@cache
def _parameters(resource_type: str) -> list[Parameter]:
    return [
        p for p in parameters_of(resource_type).values() if p.kind in _MODIFIERS and p.code not in _SPECIAL
    ]


@cache
def _links(resource_type: str) -> list[Parameter]:
    """Those that point to what a world has."""
    return [p for p in _parameters(resource_type) if p.kind == "reference" and set(p.targets) & set(SIZES)]


@cache
def _pointing(resource_type: str) -> list[Parameter]:
    """Those that point to the type."""
    return [p for other in SIZES for p in _links(other) if resource_type in p.targets]


def _criterion(chance: Random, values: Values, resource_type: str, depth: int = 0) -> tuple[str, str]:
    """The name and the value of one criterion."""
    present = values.parameters[resource_type]
    match chance.choice("pppppppppcchhnl"):
        case "n" if resource_type == "Location":
            return "near", chance.choice(_PLACES) + chance.choice(_REACHES)
        case "l" if depth == 0 and resource_type in {"Patient", "Observation", "Condition", "List"}:
            return "_list", chance.choice(values.lists)
        case "c" if depth < 2 and _links(resource_type):
            link = _chosen(chance, [p for p in present if p in _links(resource_type)], _links(resource_type))
            target = chance.choice([name for name in SIZES if name in link.targets])
            name, value = _criterion(chance, values, target, depth + 1)
            typed = len(link.targets) > 1 and chance.random() < 0.5
            return f"{link.code}{f':{target}' if typed else ''}.{name}", value
        case "h" if depth < 2 and _pointing(resource_type):
            pointing = _pointing(resource_type)
            link = _chosen(chance, [p for p in pointing if p in values.parameters[p.type]], pointing)
            name, value = _criterion(chance, values, link.type, depth + 1)
            return f"_has:{link.type}:{link.code}:{name}", value
    return _plain(chance, values, values.one_of(chance, resource_type))


def _chosen(chance: Random, likely: list[Parameter], others: list[Parameter]) -> Parameter:
    return chance.choice(likely if likely and _mostly(chance) else others)


def _plain(chance: Random, values: Values, parameter: Parameter) -> tuple[str, str]:
    modifier = chance.choice(_MODIFIERS[parameter.kind])
    if modifier == ":type":
        modifier = f":{chance.choice([name for name in SIZES if name in parameter.targets] or ['Patient'])}"
        return f"{parameter.code}{modifier}", _reference(chance, values, parameter).rpartition("/")[2]
    if modifier == ":of-type" and parameter.code != "identifier":
        modifier = ""
    count = 1 if modifier == ":missing" else chance.choice((1, 1, 1, 2, 3))
    return f"{parameter.code}{modifier}", ",".join(
        _value(chance, values, parameter, modifier) for _ in range(count)
    )


def _mostly(chance: Random) -> bool:
    return chance.random() < 0.85


_PLACES = ("-20.88|55.45", "48.85|2.35", "0|180", "0.05|-180")
_REACHES = ("", "|1|km", "|60", "|100|km", "|40|[mi_us]", "|500|m")


@immutable
class Question:
    """What `query_of` takes."""

    type: str | None  # None: every type
    text: str
    compartment: Key | None = None

    def __str__(self) -> str:
        return f"{self.compartment or ''}/{self.type or ''}?{self.text}"


def question(chance: Random, values: Values) -> Question:
    resource_type = None if chance.random() < 0.06 else chance.choice(tuple(SIZES))
    if resource_type is None:
        pairs = _of_several(chance, values)
    else:
        pairs = [
            _criterion(chance, values, resource_type) for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3)))
        ]
        if chance.random() < 0.06:
            pairs.append((chance.choice(("_text", "_content")), chance.choice(_FREE)))
        if chance.random() < 0.1:
            pairs.append(("_filter", _filter(chance, values, resource_type)))
    pairs += _results(chance, resource_type)
    text = "&".join(f"{quote(name, safe=':._-')}={quote(value, safe='')}" for name, value in pairs)
    keys = [key for name in ("Patient", "Encounter", "Practitioner") for key in values.world.keys[name]]
    return Question(resource_type, text, chance.choice(keys) if chance.random() < 0.06 else None)


def _of_several(chance: Random, values: Values) -> list[tuple[str, str]]:
    types = chance.sample(tuple(SIZES), chance.randint(1, 3))
    asked = parameters_of(types[0])[
        chance.choice(("_id", "_tag", "_profile", "_security", "_source", "_lastUpdated"))
    ]
    modifier = chance.choice(("", "", ":not", ":missing")) if asked.kind == "token" else ""
    found = [(f"{asked.code}{modifier}", _value(chance, values, asked, modifier))]
    return [("_type", ",".join(types)), *found] if _mostly(chance) else found


_OPERATORS = {
    "string": ("eq", "ne", "co", "sw", "ew"),
    "token": ("eq", "ne"),
    "date": ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"),
    "number": ("eq", "ne", "gt", "lt", "ge", "le"),
    "quantity": ("eq", "ne", "gt", "lt", "ge", "le"),
    "reference": ("eq", "ne"),
    "uri": ("eq", "ne", "sw"),
}


def _filter(chance: Random, values: Values, resource_type: str) -> str:
    """A few tests, joined by `and`, `or` and `not`."""
    tests = [_test(chance, values, resource_type) for _ in range(chance.choice((1, 1, 2, 3)))]
    text = tests[0]
    for test in tests[1:]:
        text = f"({text}) {chance.choice(('and', 'or'))} {test}"
    return text


def _test(chance: Random, values: Values, resource_type: str) -> str:
    own = [p for p in values.parameters[resource_type] if p.kind in _OPERATORS]
    parameter = _chosen(chance, own, [p for p in _parameters(resource_type) if p.kind in _OPERATORS])
    if chance.random() < 0.1:
        return f"{parameter.code} pr {chance.choice(('true', 'false'))}"
    value = _WRITERS[parameter.kind](chance, values, parameter)
    if parameter.kind in {"date", "number", "quantity"}:
        value = value.lstrip("abcdefghijklmnopqrstuvwxyz")
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    test = f"{parameter.code} {chance.choice(_OPERATORS[parameter.kind])} {quoted}"
    return f"not ({test})" if chance.random() < 0.2 else test


def _results(chance: Random, resource_type: str | None) -> list[tuple[str, str]]:
    """In which order, on pages of which size, and what comes along."""
    found = []
    if chance.random() < 0.5:
        codes = ["_id", "_lastUpdated"]
        if resource_type:
            kinds = {"date", "string", "number", "quantity", "token", "reference", "uri"}
            codes += [p.code for p in _parameters(resource_type) if p.kind in kinds]
        keys = chance.sample(codes, chance.randint(1, 2))
        found.append(("_sort", ",".join(chance.choice(("", "-")) + key for key in keys)))
    if chance.random() < 0.15:
        found.append(("_total", chance.choice(("accurate", "none"))))
    if resource_type and chance.random() < 0.15:
        return [*found, ("_count", "1000"), *_includes(chance, resource_type)]
    return [*found, ("_count", str(chance.choice((0, 2, 5, 5, 1000))))]


def _includes(chance: Random, resource_type: str) -> list[tuple[str, str]]:
    iterate = ("", "", ":iterate")
    own = [p.code for p in _links(resource_type)]
    pointing = [f"{p.type}:{p.code}" for p in _pointing(resource_type)]
    found: list[tuple[str, str]] = []
    if own:
        found.append((f"_include{chance.choice(iterate)}", f"{resource_type}:{chance.choice([*own, '*'])}"))
    if pointing and chance.random() < 0.5:
        found.append((f"_revinclude{chance.choice(iterate)}", chance.choice(pointing)))
    return found
