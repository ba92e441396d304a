"""TeX as MathML, which browsers draw by themselves: nothing is fetched, and nothing in it can run."""

import re
from functools import lru_cache
from html import escape, unescape
from xml.etree.ElementTree import Element

LONGEST = 2_000
"""Characters of a formula that are still read, in about 15 ms; a longer one is shown as written."""

_TAGS = frozenset(
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd mstyle mpadded mphantom mmultiscripts mprescripts none".split()
)
_ATTRIBUTES = frozenset(
    "display stretchy fence form accent accentunder columnalign displaystyle scriptlevel separator "
    "linethickness mathvariant width height depth lspace rspace minsize maxsize movablelimits "
    "largeop symmetric mathcolor".split()
)
_HARMLESS = re.compile(
    r"[a-z-]{1,24}|#[0-9a-f]{3,6}|[+-]?\d{0,2}(?:\.\d{1,4})?(?:em|ex|px|pt|mu|%)?", re.I
)
"""Words, colours, and lengths that leave the page in its shape."""
_NUMBERED = re.compile(
    r"\\(begin|end)\{(align|equation|gather|eqnarray|alignat|flalign|multline)\}"
)


@lru_cache(maxsize=1024)
def mathematics(tex: str, display: bool) -> str:
    """One formula; as it is written, where it is too long or not understood.

    What is copied is the TeX, which is there beside it, hidden.
    """
    written = f"$${tex.strip()}$$" if display else f"${tex.strip()}$"
    drawn = _drawn(tex, display) if len(tex) <= LONGEST else ""
    if not drawn:
        return f'<code class="tex-source">{escape(written)}</code>'
    kind = "math display" if display else "math"
    return f'<span class="{kind}">{drawn}<span class="tex">{escape(written)}</span></span>'


def _drawn(tex: str, display: bool) -> str:
    from latex2mathml.converter import convert_to_element

    unnumbered = _NUMBERED.sub(r"\\\1{\2*}", tex)
    try:
        whole = convert_to_element(unnumbered, display="block" if display else "inline")
        return _html(whole)
    except Exception:
        # It raises whatever comes of text that is no TeX, and has no base class for it.
        return ""


def _html(element: Element) -> str:
    """Written here, for the library escapes neither words nor attributes."""
    tag = element.tag if element.tag in _TAGS else "mrow"
    told = "".join(
        f' {name}="{escape(value)}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _HARMLESS.fullmatch(value)
    )
    words = escape(unescape(element.text or ""))
    return f"<{tag}{told}>{words}{''.join(map(_html, element))}</{tag}>"
