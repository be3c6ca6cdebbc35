"""A source file as items with their rules.

https://hl7.org/fhir/uv/shorthand/reference.html#defining-items-with-fhir-shorthand
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tools.fsh.model import Item, Kind, Place, Rule, RuleSet, Source
from tools.fsh.rules import rule_of
from tools.fsh.tokens import Token, tokens_of

# Keywords that begin an item, and those that may follow.
_KINDS: Final[Mapping[str, tuple[Kind, frozenset[str]]]] = {
    "Profile": ("Profile", frozenset({"Parent", "Id", "Title", "Description"})),
    "Extension": ("Extension", frozenset({"Parent", "Id", "Title", "Description", "Context"})),
    "Invariant": ("Invariant", frozenset({"Description", "Severity", "Expression"})),
    "ValueSet": ("ValueSet", frozenset({"Id", "Title", "Description"})),
    "CodeSystem": ("CodeSystem", frozenset({"Id", "Title", "Description"})),
    "Instance": ("Instance", frozenset({"InstanceOf", "Usage", "Title", "Description"})),
}
_KEYWORD: Final = re.compile(r"([A-Z][A-Za-z]+):$")
_RULE_SET: Final = re.compile(r"([^\s(]+)(?:\(([^)]*)\))?$")


def read(text: str, file: str) -> Source:
    """What the file `file` says. Raises `FshError`."""
    statements = list(_statements(text, file))
    aliases: dict[str, str] = {}
    items: list[Item] = []
    rule_sets: list[RuleSet] = []
    at = 0
    while at < len(statements):
        place, tokens = statements[at]
        end = next((n for n in range(at + 1, len(statements)) if _begins(statements[n][1])), len(statements))
        keyword = _keyword(tokens[0])
        if keyword == "Alias":
            name, url = _alias(place, tokens)
            aliases[name] = url
            end = at + 1
        elif keyword == "RuleSet":
            rule_sets.append(_rule_set(text, statements[at:end], end, statements))
        elif keyword is None:
            place.wrong("a rule stands before any definition")
        elif keyword in _KINDS:
            items.append(_item(keyword, statements[at:end]))
        else:
            place.wrong(f"'{keyword}:' is not of the subset that is read here")
        at = end
    return Source(aliases, tuple(items), tuple(rule_sets))


def rules_in(text: str, place: Place) -> Iterator[Rule]:
    """The rules of a text that has nothing else; `place` is that of its first line."""
    for statement, tokens in _statements(text, place.file, place.line):
        if tokens[0].text != "*":
            statement.wrong("only rules may stand in a rule set")
        yield rule_of(statement, tokens[1:])


Statement = tuple[Place, list[Token]]


def _statements(text: str, file: str, line: int = 1) -> Iterator[Statement]:
    current: list[Token] = []
    for token in tokens_of(text, Place(file, line)):
        starts = token.kind == "word" and (token.text == "*" or _KEYWORD.match(token.text) is not None)
        if starts and token.column > 0 and (not current or current[-1].line < token.line):
            Place(file, token.line).wrong("a rule or keyword starts in the first column")
        if starts and token.column == 0:
            if current:
                yield Place(file, current[0].line), current
            current = [token]
        elif current:
            current.append(token)
        else:
            Place(file, token.line).wrong("neither a keyword nor a rule")
    if current:
        yield Place(file, current[0].line), current


def _keyword(token: Token) -> str | None:
    found = _KEYWORD.match(token.text)
    return found[1] if found else None


def _begins(tokens: Sequence[Token]) -> bool:
    keyword = _keyword(tokens[0])
    return keyword is not None and not any(keyword in following for _, following in _KINDS.values())


def _alias(place: Place, tokens: Sequence[Token]) -> tuple[str, str]:
    words = [token.text for token in tokens[1:]]
    if len(words) != 3 or words[1] != "=":
        place.wrong("an alias is written 'Alias: $name = URL'")
    return words[0], words[2]


def _item(keyword: str, statements: Sequence[Statement]) -> Item:
    place, first = statements[0]
    kind, known = _KINDS[keyword]
    if len(first) != 2:
        place.wrong(f"'{keyword}:' is followed by one name")
    keywords: dict[str, tuple[Place, tuple[str, ...]]] = {}
    rules = []
    for statement, tokens in statements[1:]:
        found = _keyword(tokens[0])
        if found is None:
            rules.append(rule_of(statement, tokens[1:]))
        elif found not in known or found in keywords or rules:
            statement.wrong(f"'{found}:' may not stand here, or stands twice")
        else:
            keywords[found] = statement, tuple(_word(found, token) for token in tokens[1:])
    return Item(kind, first[1].text, place, keywords, tuple(rules))


def _word(keyword: str, token: Token) -> str:
    # A context in quotes is an expression, one without is an element: there the quotes say something.
    return f'"{token.text}"' if keyword == "Context" and token.kind == "text" else token.text


def _rule_set(text: str, statements: Sequence[Statement], end: int, all: Sequence[Statement]) -> RuleSet:
    place, tokens = statements[0]
    found = _RULE_SET.match(" ".join(token.text for token in tokens[1:]))
    if found is None or len(statements) < 2:
        place.wrong("a rule set has a name, perhaps parameters '(a, b)', and rules")
    first = statements[1]
    stop = all[end][1][0].start if end < len(all) else len(text)
    parameters = tuple(part.strip() for part in (found[2] or "").split(",") if part.strip())
    return RuleSet(found[1], parameters, text[first[1][0].start : stop], first[0])
