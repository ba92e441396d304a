"""Whether a line was really read: the reader knows Latin letters, Chinese and Japanese, and no others.

Of other scripts it makes almost nothing: for "Съешь же ещё этих булок" it returns spaces and a comma, and
is sure of it (0.9). So a line with far fewer signs than have room in it was not read. Greek it half
knows: letters are lost, and that is no reading either.

Measured on lines of 10 to 60 letters in four typefaces (signs for each square of the line's height):
Latin, Chinese and code 1.2 to 2.9, widely spaced capitals 1.2; Cyrillic, Georgian, Armenian 0.05 to
0.7. Hebrew comes out as 0.5 to 1.2 with a confidence of .57 to .63, Arabic as nothing at all.
"""

import unicodedata

from inference.offline.senses.layout import Line

SURE = 0.5
"""A line less sure than this was not read."""
DOUBTFUL = 0.68
FEWEST_SIGNS = 0.8
FEWEST_SIGNS_IN_DOUBT = 1.3
"""Signs for each square of the line's height; a wide one counts twice."""
SHORT = 2.5
"""A piece no longer than so many times its height may hold a single sign and be whole."""
_RULES = frozenset("-–—―_=~·•.…|│─━一")


def is_ornament(line: Line) -> bool:
    """A rule, or a row of dots: nothing to be read."""
    return bool(line.text) and set(line.text) <= _RULES


def was_read(line: Line) -> bool:
    if line.score < SURE or not line.text.strip():
        return False
    if _is_greek(line.text):
        return False
    width, height = line.length, line.height
    if width <= SHORT * height:
        return True
    signs = sum(_width(sign) for sign in line.text) * height / width
    return signs >= (FEWEST_SIGNS if line.score >= DOUBTFUL else FEWEST_SIGNS_IN_DOUBT)


def _width(sign: str) -> int:
    if sign.isspace():
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _is_greek(text: str) -> bool:
    """A word of it; a letter here and there is mathematics."""
    letters = [sign for sign in text if sign.isalpha()]
    greek = sum("GREEK" in unicodedata.name(sign, "") for sign in letters)
    return greek > 4 and greek > len(letters) / 2
