"""Which language a text is in, as far as its script and its small words tell."""

import re
from collections import Counter

NAMES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hu": "Hungarian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish",
    "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""The languages that are told apart, by their tags."""

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),  # before Chinese: Japanese has its characters too
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_SMALL_WORDS = {
    "en": "the and is are of to in it that you for was with this have not be on as at what they we he "
    "she his her or if from by an but my can will would there which all about when no yes how your",
    "de": "der die das und ist nicht ein eine zu den von mit sich auf für dem im wie auch es wir ich",
    "fr": "le la les et est des une du que qui dans pour pas vous je il elle nous sur avec ce au c'est",
    "es": "el la los las y es una que de en por con para no se su lo como más del está son pero",
    "it": "il la di che è un una per non con sono del della le gli questo anche come si",
    "pt": "os as é um uma que de do da não com para em por se mais como você são está",
    "nl": "de het een en van is niet dat op te zijn met voor ook aan er maar wij je ik",
    "sv": "och att det är som en på för av med den inte till har jag ett om var",
    "da": "og at det er som en på for af med den ikke til har jeg et om der",
    "fi": "ja on ei se että hän oli ovat mutta myös tai kun niin joka tämä",
    "pl": "nie się na jest do to że jak co ale są przez dla po",
    "cs": "je se na že to jsem ale jako pro by jsou který není",
    "ro": "și este nu în de la cu pe un care din pentru mai sunt ce",
    "hu": "az és hogy nem is egy van ez de meg csak volt mint vagy",
    "tr": "ve bir bu için ile de da çok ne daha ama gibi olarak var değil",
    "vi": "và là của có không được trong cho một những với này các người",
}
_KNOWN = {tag: frozenset(words.split()) for tag, words in _SMALL_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_READ = 2_000  # characters


def guess(text: str) -> str:
    """Its tag, such as "en"; "" where too little tells."""
    text = text[:_READ]
    letters = sum(map(str.isalpha, text))
    for tag, script in _SCRIPTS:
        # A few foreign letters (π, a name) make no language.
        if letters and len(script.findall(text)) * (2 if tag in ("uk", "ja") else 1) * 4 > letters:
            return tag
    counts: Counter[str] = Counter()
    for word in _WORD.findall(text.lower().replace("’", "'")):
        counts.update(tag for tag, known in _KNOWN.items() if word in known)
    best = counts.most_common(2)
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return ""
    return best[0][0]
