"""Small controls that several parts of the page share."""

from components.icons import icon
from components.words import number


def switch(name: str, words: str, note: str = "", *, on: bool, held: bool = False) -> str:
    """A switch that says `data-switch=name`. `held`: it shows what something else decided."""
    marks = (" checked" if on else "") + (" disabled" if held else "")
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<label class="switch"><input type="checkbox" role="switch" data-switch="{name}"{marks}>'
        f"<span><b>{words}</b>{small}</span></label>"
    )


def act(name: str, sign: str, words: str, more: str = "") -> str:
    """A plain button that does `name`."""
    return (
        f'<button type="button" class="plain" data-do="{name}"{more}>{icon(sign)}'
        f"<span>{words}</span></button>"
    )


def tokens(count: int, window: int) -> str:
    """Such as "3.2K" of a window of 8192, which is "8K": powers of two are called so."""
    thousand = 1024 if window % 1024 == 0 else 1000
    if count < thousand:
        return number(count)
    if count < thousand**2:
        return _short(count / thousand) + "K"
    return _short(count / thousand**2) + "M"


def _short(value: float) -> str:
    """With one digit behind the point, unless that is 0."""
    return number(value, int(round(value, 1) % 1 > 0))
