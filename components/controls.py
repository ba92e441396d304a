"""Small controls that several parts of the page share."""

from components.icons import icon


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
        return f"{count:,}"
    if count < thousand**2:
        return f"{count / thousand:.1f}".removesuffix(".0") + "K"
    return f"{count / thousand**2:.1f}".removesuffix(".0") + "M"
