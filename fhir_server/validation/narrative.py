"""What the XHTML of a narrative may hold: formatting, links and images, never anything that runs or loads.

Nearly all narratives are written plainly, and few different tags stand in them: those are judged tag by tag, and only
whether they are well-formed is left to a parser. Any other is parsed to a tree and judged element by element.

https://hl7.org/fhir/R4/narrative.html#xhtml · txt-1 and txt-2 of https://hl7.org/fhir/R4/narrative-definitions.html
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from lxml import etree

from fhir_server.validation.sentences import Problem

_NAMESPACE = "{http://www.w3.org/1999/xhtml}"
_XML = "{http://www.w3.org/XML/1998/namespace}"

# The lists of txt-1, completed by what the chapters of HTML 4.0 that it names have besides (address, bdo, kbd, and the
# image maps that `usemap` needs).
_NAMES = re.findall(
    r"\w+",
    """
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em
    h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup
    table tbody td tfoot th thead tr tt ul var
    """,
)
_USUAL_TAGS = frozenset(_NAMES) | {'div xmlns="http://www.w3.org/1999/xhtml"'}
_ELEMENTS = frozenset(f"{_NAMESPACE}{name}" for name in _NAMES)
_ATTRIBUTES = frozenset(
    re.findall(
        r"\w+",
        """
        abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff
        charset cite class colspan compact coords dir frame headers height href hreflang hspace id ismap lang
        longdesc name nohref nowrap rel rev rowspan rules scope shape span src start style summary tabindex title
        type usemap valign value vspace width
        """,
    )
) | {f"{_XML}lang", f"{_XML}space", f"{_XML}id"}
# One for all: lxml gives each parse a lock. Without a DTD there are no entities to expand, and nothing is fetched.
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
_LINKS = ("href", "src", "cite", "longdesc")
_STARTS = re.compile(r"\s*<div[\s/>]")
# Browsers skip white space and control characters inside the scheme of a link.
_RUNS = re.compile(r"[\x00-\x20]*(?:j\s*a\s*v\s*a|v\s*b)\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)

# The plain way to write: a div in its namespace, attributes in double quotes without references.
_PLAIN_START: Final = re.compile(r'\s*<div\s[^<>]*?xmlns="http://www\.w3\.org/1999/xhtml"')
_TAGS: Final = re.compile(r"<([^/<>][^<>]*)>").findall
_PLAIN_TAG: Final = re.compile(
    rf"""
    (?:{"|".join(sorted(_NAMES, key=len, reverse=True))})
    (?:\s+(?:xmlns="http://www\.w3\.org/1999/xhtml"
        |(?:{"|".join(_LINKS)})="(?:[^"&\x00-\x20jJvV][^"&]*)?"
        |(?:{"|".join(sorted(name for name in _ATTRIBUTES if name not in _LINKS and name.isalpha()))}|xml:lang)="[^"&]*"
    ))*+\s*/?
    """,
    re.VERBOSE,
).fullmatch
_PLAIN_WORD: Final = re.compile(r">\s*[^\s<&]").search
# The tree's parser goes no deeper than 256 elements and takes no longer texts than 10 MB; the other has no such bounds.
_SHALLOW: Final = 200
_SHORT: Final = 1_000_000

_NO_DIV = Problem(
    "value",
    'A narrative is XHTML that starts with <div xmlns="http://www.w3.org/1999/xhtml">',
    'Un texte est du XHTML qui commence par <div xmlns="http://www.w3.org/1999/xhtml">',
)
_NOT_WELL_FORMED = Problem(
    "value",
    "The narrative is not well-formed XML (every element closed, attributes quoted, "
    "no entities but &amp; &lt; &gt; &quot; &apos; and numeric ones)",
    "Le texte n'est pas du XML bien formé (chaque élément fermé, attributs entre guillemets, "
    "pas d'entités autres que &amp; &lt; &gt; &quot; &apos; et les numériques)",
)
_ELSEWHERE = Problem(
    "value",
    "The div of a narrative is in the namespace http://www.w3.org/1999/xhtml",
    "Le div d'un texte est dans l'espace de noms http://www.w3.org/1999/xhtml",
)
_OTHER_ELEMENT = Problem(
    "invariant",
    "A narrative holds basic HTML formatting, links and images only (txt-1)",
    "Un texte ne contient que de la mise en forme HTML simple, des liens et des images (txt-1)",
)
_OTHER_ATTRIBUTE = Problem(
    "invariant",
    "A narrative has formatting attributes only: no events, no actions (txt-1)",
    "Un texte n'a que des attributs de mise en forme : ni événements, ni actions (txt-1)",
)
_SCRIPT = Problem(
    "invariant",
    "A narrative has no scripts, not in links either (txt-1)",
    "Un texte n'a pas de scripts, pas même dans ses liens (txt-1)",
)
_EMPTY = Problem(
    "invariant",
    "A narrative has some text or an image (txt-2)",
    "Un texte contient des mots ou une image (txt-2)",
)


def is_narrative(text: str) -> bool:
    """Whether `text` may be the `div` of a Narrative."""
    return _is_plain(text) or wrong_with_tree(text) is None


def wrong_with_narrative(text: str) -> Problem:
    """For a text that `is_narrative` refuses: what is wrong."""
    problem = wrong_with_tree(text)
    assert problem is not None, "asked what is wrong with a narrative that is right"
    return problem


def parsed(text: str) -> etree._Element | None:
    """The XHTML of a narrative; None: it is not well-formed."""
    try:
        return etree.fromstring(text, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _is_plain(text: str) -> bool:
    """Whether a narrative is right and written plainly; where it says no, the tree decides."""
    if not _PLAIN_START.match(text) or not _PLAIN_WORD(text):
        return False
    tags = _TAGS(text)
    ends = text.count("</")
    if not len(tags) + ends == text.count("<") == text.count(">"):
        return False  # a comment, or one that stands in a text or a value, where tags cannot be told apart
    others = set(tags) - _USUAL_TAGS
    if others and not all(map(_PLAIN_TAG, others)):
        return False
    if len(text) > _SHORT or ends > _SHALLOW:
        return parsed(text) is not None
    try:
        expat.ParserCreate().Parse(text, True)
    except (expat.ExpatError, ValueError):
        return False
    return True


def wrong_with_tree(text: str) -> Problem | None:
    """What is wrong with a narrative, by the tree of it; None: nothing."""
    if not _STARTS.match(text):
        return _NO_DIV
    root = parsed(text)
    if root is None:
        return _NOT_WELL_FORMED
    if root.tag != f"{_NAMESPACE}div":
        return _ELSEWHERE
    content = False
    for element in root.iter():
        if element.tag not in _ELEMENTS:
            return _OTHER_ELEMENT
        for name, value in element.items():
            if name not in _ATTRIBUTES:
                return _OTHER_ATTRIBUTE
            if name in _LINKS and _RUNS.match(str(value)):
                return _SCRIPT
        content = content or element.tag == f"{_NAMESPACE}img" or _says(element.text) or _says(element.tail)
    return None if content else _EMPTY


def _says(text: str | None) -> bool:
    return text is not None and bool(text.strip(" \t\r\n"))
