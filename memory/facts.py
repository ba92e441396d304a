"""What a person tells about themselves, or asks to have remembered, in their own words: by rule.

A fact wrongly made is worse than one missed, which is still found among what was said: so only the
beginning of a sentence counts, never a question, a quotation, a tale, or text to be worked on.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memory.sentences import HIDDEN, Sentence, Told, folded_line, sentences, told_text

MAX_FACTS = 8
"""Of one message."""
LONGEST_FACT = 600

_PREFIX = re.compile(
    r"(?:(?:hi|hello|hey|ok(?:ay)?|well|so|by the way|btw|also|and|oh|actually|fyi|please|yes|no(?=,)|"
    r"just so you know|for the record|for future reference|there|parley|thanks|thank you|"
    r"hallo|übrigens|also|und|bitte|ja|nein|ach|hola|por cierto|por favor|sí|bonjour|salut|au fait|"
    r"s'il te plaît|oui|谢谢|你好|请|顺便说一下|对了|こんにちは|ちなみに|はい)\b"
    r"[\s,.!:，、。！]*)*",
    re.IGNORECASE,
)
_JOINED = re.compile(
    r"\s*(?:[,;，、]\s*)?(?:(?:and|but|und|y|et|pero|aber|mais)\s+|还有|而且)?", re.IGNORECASE
)

_VALUE = rf"(?P<value>[^,;:!?()\n{HIDDEN}。，！？、；]{{1,80}}?)"
_ENDS = r"$|[.!]\s*$|[,;:!?()。，！？、；]"
_AND = r"and|und|y|et"
_THEN = (
    r"but|so|because|with|who|which|where|since|if|too|as well|now|right now|currently|at the moment|"
    r"these days|for|by the way|btw|aber|weil|seit|mit|pero|porque|con|desde|mais|parce|avec|depuis"
)
_STOP = rf"(?=\s*(?:{_ENDS}|\s(?:{_AND}|{_THEN})\b))"
_LIST_STOP = rf"(?=\s*(?:{_ENDS}|\s(?:{_THEN}|(?:{_AND}) (?:i|my|ich|mein|yo|mi|je|mon|ma))\b))"
_CHARS = rf"(?P<value>[^\s,;:!?(){HIDDEN}。，！？、；的]{{1,20}}?)(?=$|[,.!?。，！？、；\s])"

_BEING = (
    r"(?:dog|cat|puppy|kitten|pet|horse|pony|hamster|rabbit|parrot|bird|fish|turtle|tortoise|wife|husband|"
    r"partner|girlfriend|boyfriend|fianc[ée]e?|son|daughter|baby|child|kid|brother|sister|twin|mother|mom|"
    r"mum|father|dad|grand(?:mother|father|ma|pa|son|daughter)|aunt|uncle|cousin|niece|nephew|friend|boss|"
    r"manager|teacher|doctor|dentist|therapist|landlord|neighbou?r|roommate|flatmate|colleague|company|"
    r"startup|band|boat|car|starter|school|team|cat's|dog's)"
)
_NUMBERED = (
    r"(?:birthday|date of birth|anniversary|phone(?: number)?|mobile(?: number)?|telephone(?: number)?|age|"
    r"height|weight|shoe size|size|e-?mail(?: address)?|zip(?: code)?|post(?:al )?code|address|"
    r"lucky number|member(?:ship)? number|customer number)"
)
_NAMED = (
    r"(?:surname|last name|first name|middle name|maiden name|family name|nickname|username|hometown|"
    r"home town|nationality|native language|mother tongue|first language|time ?zone|blood type|pronouns|"
    r"star sign|zodiac sign|employer|profession|occupation|religion|password hint)"
)
_KEPT = (
    r"(?:password|passphrase|passcode|pin|code|number|name|address|deadline|date|appointment|size|budget|"
    r"dentist|doctor|vet|landlord|plumber|wi-?fi|ssid|gate|key|locker|seat|url|server|host|e-?mail|phone|"
    r"anniversary|birthday|login|username|colou?r|job|car|hometown|flight|hotel)"
)

_NO_VALUE = frozenset(
    """
    not wrong missing broken too very so also never always being coming soon important required empty null
    undefined invalid unknown incorrect correct no none nothing something what when where how why who that
    this these those it there here still already just only really spelled spelt misspelled hard difficult
    easy good bad fine ok okay gone getting going about due up out off on in at to like because if
    nicht kein falsch no non pas
    """.split()
)
_NO_NAME = _NO_VALUE | frozenset(
    """
    a an the my your his her our later back tomorrow today maybe crazy old stupid dumb names anything
    whatever whenever if and or but is was mud of for with from by as sir ein eine der die das un una el la
    le une
    """.split()
)
_NO_PLACE = _NO_VALUE | frozenset(
    """
    a an the my your his her our constant fear hope denial pain peace poverty harmony dread terror misery
    shame luxury sin exile isolation limbo hell paradise fantasy one two ein eine einer einem un una une
    angst frieden paz miedo
    """.split()
)
_LITTLE = frozenset(
    "de del der den van von da di do dos la le los el bin ibn al y e of upon am an".split()
)

_DATE = re.compile(
    r"\d|jan|feb|mar|märz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|ene|abr|ago|dic|avr|juin|août|déc"
)
_UNREAL = re.compile(r"\b(?:if|would|could|were i|whether|wenn|falls|würde|si)\b", re.IGNORECASE)

_ANYBODY = re.compile(r"\b(?:i|my|you|your|he|she|they|we|ich|yo|je)\b", re.IGNORECASE)

Check = Callable[[str], bool]


def facts_in(text: str) -> list[Told]:
    """What `text`, somebody's own message, tells to be remembered; [] if nothing, as usual."""
    found: list[Told] = []
    for sentence in sentences(text):
        if not sentence.asks:
            asked = _asked_for(sentence)
            found += [asked] if asked else _volunteered(sentence)
    return found[:MAX_FACTS]


def told(text: str) -> Told:
    """What a sentence, known to be a fact, says of which subject; "The user's name is Ann" too."""
    line = told_text(text)
    clause = _in_first_person(line)
    for form in _FORMS:
        match = form.match(clause, 0)
        if match:
            return Told(line, form.about(match), form.says(match))
    match = _GENERAL.fullmatch(clause)
    if match:
        return Told(line, folded_line(match["thing"]), folded_line(match["value"]))
    return Told(line, "", folded_line(line))


def _asked_for(sentence: Sentence) -> Told | None:
    """The rest of "remember that …"."""
    start = _begin(sentence.mask)
    for pattern in _REMEMBER:
        match = pattern.match(sentence.mask, start)
        if match is None:
            continue
        inner = sentence.mask[match.start("inner") : match.end("inner")]
        own = bool(_OWN.search(inner))
        if _NOT_TO_KEEP.match(inner) or not (own or (sentence.alone and not sentence.material)):
            continue
        words = sentence.text[match.start("inner") : match.end("inner")].strip(" .!。！")
        if len(words) <= LONGEST_FACT:
            return told(words)
    return None


def _volunteered(sentence: Sentence) -> list[Told]:
    """What stands at the beginning of the sentence, and what is joined to that."""
    if sentence.material or _UNREAL.search(sentence.mask):
        return []
    mask, found = sentence.mask, []
    at = _begin(mask)
    while at < len(mask):
        for form in _FORMS:
            match = form.match(mask, at)
            if match:
                break
        else:
            break
        text = told_text(sentence.text[at : match.end()])
        found.append(Told(text, form.about(match), form.says(match)))
        joined = _JOINED.match(mask, match.end())
        at = joined.end() if joined and joined.end() > match.end() else len(mask)
    return found


def _begin(mask: str) -> int:
    prefix = _PREFIX.match(mask)
    return prefix.end() if prefix else 0


def _is_value(value: str) -> bool:
    return value.split()[0].casefold().strip("'’.") not in _NO_VALUE


def _is_number(value: str) -> bool:
    return _is_value(value) and (bool(_DATE.search(value.casefold())) or "@" in value)


def _is_name(value: str) -> bool:
    return _proper(value, _NO_NAME)


def _is_place(value: str) -> bool:
    return _proper(value, _NO_PLACE)


def _is_allergen(value: str) -> bool:
    words = value.casefold().split()
    return len(words) <= 6 and words[0] not in _NO_ALLERGEN and not _ANYBODY.search(value)


_NO_ALLERGEN = _NO_VALUE - {"gluten"} | frozenset(
    "my your his her their our mondays monday mornings work bullshit people stupidity you him them us".split()
)


def _proper(value: str, never: frozenset[str]) -> bool:
    """A name: capitals, but for words like "van"; one or two words without any, as typed in haste."""
    words = value.strip("\"'“”„«»").split()
    if not 1 <= len(words) <= 4 or words[0].casefold() in never or not words[0][0].isalpha():
        return False
    small = [word for word in words if word[0].islower() and word not in _LITTLE]
    hasty = len(small) == len(words) <= 2 and not any(word in never for word in words)
    return not small or hasty


@dataclass(frozen=True, slots=True)
class _Form:
    """One way of telling a fact: `subject` may name the group `thing`, or `value`."""

    pattern: re.Pattern[str]
    subject: str
    check: Check
    value: str = "{value}"

    def match(self, clause: str, at: int) -> re.Match[str] | None:
        match = self.pattern.match(clause, at)
        return match if match and match["value"].strip() and self.check(match["value"]) else None

    def about(self, match: re.Match[str]) -> str:
        groups = {name: folded_line(found or "") for name, found in match.groupdict().items()}
        about = self.subject.format(**groups).replace("’", "'").replace("favorite", "favourite")
        return about.replace("color", "colour") if "favourite" in about else about

    def says(self, match: re.Match[str]) -> str:
        return self.value.format(value=folded_line(match["value"]))


def _forms(*rows: tuple[str, str, Check] | tuple[str, str, Check, str]) -> Iterator[_Form]:
    for pattern, subject, check, *value in rows:
        full = pattern.replace("{V}", _VALUE + _STOP).replace("{C}", _CHARS)
        yield _Form(
            re.compile(full.replace("{L}", _VALUE + _LIST_STOP), re.IGNORECASE),
            subject,
            check,
            *value,
        )


_AM = r"i(?:['’]m| am)"
_IS = r"(?:['’]s| is| are)"
_TOO = r"(?:really |also |very |severely |mildly |deathly |extremely )?"

_FORMS = tuple(
    _forms(
        (rf"my (?:full |real |own )?name{_IS} {{V}}", "name", _is_name),
        (rf"{_AM} (?:called|named) {{V}}", "name", _is_name),
        (r"(?:you (?:can|may) |everyone |people |my friends |please )?(?:just )?calls? me {V}",
         "what to call me", _is_name),
        (rf"(?:i (?:currently |now )?live|i reside|{_AM} (?:currently |now )?(?:living|based)|"
         rf"i(?:['’]ve| have) "
         rf"(?:lived|been living)) in {{V}}", "home", _is_place),
        (r"i(?:['’]ve| have)? (?:just |recently )?moved to {V}", "home", _is_place),
        (rf"(?:{_AM}|i come) (?:originally )?from {{V}}", "where i am from", _is_place),
        (rf"{_AM} {_TOO}allergic to {{L}}", "allergy: {value}", _is_allergen),
        (rf"(?:{_AM} (?:not|no longer)|i was never) allergic to {{L}}", "allergy: {value}", _is_allergen,
         "not {value}"),
        (r"i have an? (?P<value>[\w-]+(?: [\w-]+)?) allergy", "allergy: {value}", _is_allergen),
        (rf"{_AM} (?:an? )?(?:strict )?(?P<value>vegetarian|vegan|pescatarian){_STOP}", "diet", _is_value),
        (rf"{_AM} (?:an? )?(?P<value>lactose[- ]intolerant|coeliac|celiac|diabetic|gluten[- ]intolerant|"
         rf"colou?r-?blind|left-handed){_STOP}", "health: {value}", _is_value),
        (rf"{_AM} (?P<value>\d{{1,3}}) years? old", "age", _is_value),
        (r"i was born (?:on|in) {V}", "birth", lambda v: _is_number(v) or _is_place(v)),
        (r"i work as (?P<value>an? [\w -]{3,40}?)" + _STOP, "job", _is_value),
        (rf"my (?:all-time )?(?P<thing>favou?rite (?!part|thing|bit|moment|way|line|one|option|"
         rf"quote|answer|"
         rf"example)[\w-]+(?: [\w-]+){{0,2}}?){_IS} {{V}}", "my {thing}", _is_value),
        (rf"my (?P<thing>(?:\w+ ){{0,2}}{_BEING})(?:['’]s name{_IS}| is (?:called|named)) {{V}}",
         "my {thing}'s name", _is_name),
        (rf"my (?P<thing>(?:\w+['’]s )?{_NUMBERED}){_IS} (?:on )?{{V}}", "my {thing}", _is_number),
        (rf"my (?P<thing>(?:\w+['’]s )?{_NAMED}){_IS} {{V}}", "my {thing}", _is_value),
        # German
        (r"(?:ich heiße|mein name ist) {V}", "name", _is_name),
        (r"nenn(?:e)? mich (?:bitte )?{V}", "what to call me", _is_name),
        (r"ich (?:wohne|lebe) (?:jetzt |zurzeit )?in {V}", "home", _is_place),
        (r"ich bin (?:\w+ )?allergisch (?:gegen|auf) {L}", "allergy: {value}", _is_allergen),
        (r"ich bin (?P<value>vegetarier(?:in)?|veganer(?:in)?)" + _STOP, "diet", _is_value),
        (r"ich bin (?P<value>\d{1,3}) jahre alt", "age", _is_value),
        (r"meine? (?P<thing>(?:lieblings)\w+)(?: ist| sind) {V}", "my {thing}", _is_value),
        (r"meine? (?P<thing>hund|katze|kater|tochter|sohn|frau|mann|bruder|schwester|mutter|vater|freund|"
         r"freundin|chefin|chef|pferd) heißt {V}", "my {thing}'s name", _is_name),
        (r"mein (?P<thing>geburtstag) ist (?:am )?{V}", "my birthday", _is_number),
        # Spanish
        (r"(?:me llamo|mi nombre es) {V}", "name", _is_name),
        (r"ll[aá]mame {V}", "what to call me", _is_name),
        (r"(?:yo )?vivo (?:ahora )?en {V}", "home", _is_place),
        (r"soy alérgic[oa] (?:a la |a las |a los |al |a ){L}", "allergy: {value}", _is_allergen),
        (r"soy (?P<value>vegetarian[oa]|vegan[oa])" + _STOP, "diet", _is_value),
        (r"mi (?P<thing>perr[oa]|gat[oa]|hij[oa]|espos[oa]|marido|mujer|herman[oa]|madre|padre|novi[oa]|"
         r"jef[ea]) se llama {V}", "my {thing}'s name", _is_name),
        (r"mi (?P<thing>\w+ (?:favorit|preferid)[oa]) es {V}", "my {thing}", _is_value),
        (r"mi cumpleaños es (?:el )?{V}", "my birthday", _is_number),
        # French
        (r"(?:je m['’]appelle|mon nom est) {V}", "name", _is_name),
        (r"appelle[- ]moi {V}", "what to call me", _is_name),
        (r"(?:j['’]habite|je vis) (?:maintenant )?(?:à|en|au|aux) {V}", "home", _is_place),
        (r"je suis allergique (?:à la |à l['’]|aux |au |à ){L}", "allergy: {value}", _is_allergen),
        (r"je suis (?P<value>végétarien(?:ne)?|végane?|vegan)" + _STOP, "diet", _is_value),
        (r"(?:mon|ma) (?P<thing>chien(?:ne)?|chat(?:te)?|fils|fille|femme|mari|frère|sœur|mère|père|"
         r"copine|copain|cheffe?) s['’]appelle {V}", "my {thing}'s name", _is_name),
        (r"(?:mon|ma) (?P<thing>\w+ préférée?) est {V}", "my {thing}", _is_value),
        (r"mon anniversaire est le {V}", "my birthday", _is_number),
        # Chinese and Japanese
        (r"(?:我叫|我的名字(?:是|叫)){C}", "name", lambda v: len(v) <= 12),
        (r"(?:你可以|请)?叫我{C}", "what to call me", lambda v: len(v) <= 12),
        (r"我(?:现在)?住在{C}", "home", lambda v: len(v) <= 12),
        (r"我对(?P<value>[^\s，。,]{1,12})过敏", "allergy: {value}", lambda _: True),
        (r"我的生日是{C}", "my birthday", lambda v: bool(re.search(r"[\d一二三四五六七八九十]", v))),
        (r"(?:私|僕|俺)の名前は(?P<value>[^\s、。]{1,16}?)(?:です|だ|といいます|と言います)?(?=$|[、。!！])",
         "name", lambda _: True),
        (r"(?:私|僕|俺)は(?P<value>[^\s、。は]{1,12}?)と(?:いいます|言います|申します)", "name",
         lambda _: True),
        (r"(?:私|僕|俺)?(?:のこと)?(?:は|を)?(?P<value>[^\s、。はを]{1,12}?)と呼んで", "what to call me",
         lambda _: True),
        (r"(?:私は|僕は|俺は)?(?P<value>[^\s、。は]{1,12}?)に住んで(?:い)?(?:ます|る)", "home",
         lambda _: True),
        (r"(?:私は|僕は|俺は)?(?P<value>[^\s、。は]{1,12}?)アレルギー(?:です|だ|があります|がある)",
         "allergy: {value}", lambda _: True),
    )
)  # fmt: skip

_GENERAL = re.compile(
    rf"(?P<thing>(?:my|our|the) (?:[\w'’-]+ ){{0,3}}{_KEPT})(?: is| are|['’]s) (?P<value>.+)",
    re.IGNORECASE,
)

_OWN = re.compile(
    r"\b(?:i|i['’]m|i['’]ve|i['’]ll|i['’]d|me|my|mine|we|our|us|ich|mir|mich|mein\w*|wir|uns\w*|yo|"
    r"mi|mis|me|"
    r"soy|tengo|vivo|nuestr\w+|je|j['’]\w+|moi|mon|ma|mes|nous|notre|nos)\b|我|私|僕|俺",
    re.IGNORECASE,
)
_NOT_TO_KEEP = re.compile(
    r"(?:i|we) (?:told|said|asked|mentioned|already|was|just|once|want|need you|wanted)\b|"
    r"(?:what|when|where|who|whom|how|why|which|if|whether|to|me|us|this|these|those|it|him|her|them)\b|"
    r"(?:time|day|night|summer|one|guy|movie|song|scene|moment)\b|"
    r"(?:was|wann|wo|wer|wie|warum|ob|qué|que te|cuando|cuándo|dónde|quién|cómo|si|ce que|quand|où|"
    r"qui|comment)\b|"
    r"what|什么|怎么|谁|哪",
    re.IGNORECASE,
)
_SAYS = (
    r"(?=(?:my|our|the|i|we|i['’]m|i['’]ve|we['’]re)\b.*\b(?:is|are|am|i['’]m|i['’]ve|was|has|have|"
    r"need|like|love|"
    r"hate|prefer|work|live|speak|take|can['’]t|cannot|don['’]t|do not|never|always)\b)"
)
_INNER = r"(?P<inner>.{3,}?)[.!。！\s]*$"
_REMEMBER = tuple(
    re.compile(pattern + _INNER, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(?:i (?:want|need|would like|['’]d like) you to |you (?:should|must) )?(?:always )?(?:remember|"
        r"don['’]t forget|do not forget|never forget|keep in mind|bear in mind|make a (?:mental )?note|"
        r"take note|note)(?: down)?(?:,? please,?)?(?: that|:| this:| the following:) ?",
        r"(?:remember|don['’]t forget|do not forget|keep in mind)(?:,? please)?,? " + _SAYS,
        r"(?:merke?(?: dir)?|denke? daran|vergiss nicht|vergiss bitte nicht|behalte|notiere?(?: dir)?|"
        r"beachte)(?: bitte)?(?:, dass|:) ?",
        r"(?:recuerda|no olvides|no te olvides de|ten en cuenta|ten presente|anota|acuérdate de|"
        r"toma nota de)"
        r"(?: por favor)?(?: que|:) ?",
        r"(?:souviens-toi|rappelle-toi|n['’]oublie pas|retiens|note|prends note|garde en tête)(?: bien)?"
        r"(?: que |: ?| qu['’])",
        r"(?:请)?(?:帮我)?(?:记住|记得|别忘了|不要忘记|记一下)[，,:：]?\s*",
    )
)
_REMEMBER += (
    re.compile(
        r"(?P<inner>.{3,}?)(?:、|と|ということ|こと)を?(?:覚えて|記憶して|忘れない)(?:おいて|で)?"
        r"(?:ください|ね|くれ)?[。！!\s]*$",
        re.DOTALL,
    ),
)

_THIRD_PERSON = (
    (re.compile(r"^(?:the )?user['’]s ", re.IGNORECASE), "my "),
    (re.compile(r"^(?:the )?user(?: is|['’]s) ", re.IGNORECASE), "I am "),
    (re.compile(r"^(?:the )?user has ", re.IGNORECASE), "I have "),
    (re.compile(r"^(?:the )?user (\w+[^s\W])s ", re.IGNORECASE), r"I \1 "),
    (re.compile(r"^(?:the )?user ", re.IGNORECASE), "I "),
)


def _in_first_person(line: str) -> str:
    for pattern, instead in _THIRD_PERSON:
        changed = pattern.sub(instead, line, count=1)
        if changed != line:
            return changed
    return line
