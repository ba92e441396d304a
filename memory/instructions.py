"""Standing instructions in a person's own sentences ("always answer in German"), found by rule.

Similarity does not find them when they are needed, so they are kept apart and always sent. A rule
that nobody gave is worse than one missed: what is for one task, a remark about oneself, a proverb,
a question or a quotation is none.
"""

import re

from memory.sentences import Sentence, Told, folded_line, sentences, told_text

MAX_INSTRUCTIONS = 5
"""Of one message."""
LONGEST_INSTRUCTION = 400

_POLITE = (
    r"(?:(?:hi|hello|hey|ok(?:ay)?|also|and|so|oh|by the way|btw|thanks|thank you|remember(?: that| to|:)?|"
    r"note(?: that|:)|please|just|parley|i want you to|i(?:['’]d| would) like you to|i need you to|"
    r"you (?:should|"
    r"must|have to|need to)|make sure (?:to|that you|you)|be sure to|try to|"
    r"hallo|bitte|und|auch|merke? dir(?: bitte)?:|hola|por favor|bonjour|s['’]il te pla[iî]t|"
    r"s['’]il vous pla[iî]t)\b[\s,:!]*)*"
)

_BEGINNING = re.compile(_POLITE, re.IGNORECASE)

# What an assistant can be told to do. Verbs that are as often about the world need an object of ours.
_OURS = (
    r"answers?|repl(?:y|ies)|responses?|code|comments?|emojis?|sources?|links?|citations?|examples?|"
    r"tables?|"
    r"lists?|bullets?|bullet points|headings?|markdown|titles?|units?|dates?|numbers?|summar(?:y|ies)|"
    r"explanations?|translations?|disclaimers?|types?|type hints|tests?|steps|paragraphs?|tl;?dr|"
    r"celsius|fahrenheit|metric|imperial|currency|prices?|times?|sentences?|jargon|me"
)
_DO = (
    r"(?:answer|reply|respond|write|use|include|explain|show|format|address me|call me|cite|convert|"
    r"translate|"
    r"avoid|mention|wrap|provide|speak|talk to me|refer to me|assume|tell me|ask me|give me|spell|"
    r"abbreviate|"
    r"apologi[sz]e|output|summari[sz]e|greet me|remind me|round|double-check|shorten|"
    r"keep (?:it|your|the|all|answers|replies|responses|explanations|code|everything|things)|"
    r"be (?:brief|concise|short|polite|formal|informal|honest|direct|friendly|specific|precise|sarcastic|"
    r"funny|blunt|critical)|make (?:sure|your|answers|replies|assumptions)|"
    r"(?:add|put|start|begin|end|return|list|quote|say|send|give|suggest|recommend|refer to|sign|check|"
    rf"present|offer|let|flag) (?=.*\b(?:{_OURS})\b))\b"
)
_LANGUAGES = {
    "english": "english englisch inglés ingles anglais 英语 英文 英語",
    "german": "german deutsch alemán aleman allemand 德语 德文 ドイツ語",
    "spanish": "spanish spanisch español espanol castellano espagnol 西班牙语 スペイン語",
    "french": "french französisch francés frances français francais 法语 フランス語",
    "italian": "italian italienisch italiano italien 意大利语 イタリア語",
    "portuguese": "portuguese portugiesisch portugués portugais português 葡萄牙语 ポルトガル語",
    "russian": "russian russisch ruso russe русский русском 俄语 ロシア語",
    "chinese": "chinese mandarin chinesisch chino chinois 中文 汉语 普通话 中国語",
    "japanese": "japanese japanisch japonés japonais 日语 日文 日本語",
    "dutch": "dutch niederländisch neerlandés néerlandais",
    "polish": "polish polnisch polaco polonais",
    "turkish": "turkish türkisch turco turc",
    "korean": "korean koreanisch coreano coréen 韩语 韓国語",
    "arabic": "arabic arabisch árabe arabe 阿拉伯语 アラビア語",
    "hindi": "hindi",
    "ukrainian": "ukrainian ukrainisch ucraniano ukrainien",
}
_NAMES = {name: language for language, names in _LANGUAGES.items() for name in names.split()}
_IN_LANGUAGE = "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True))

# What an instruction is about: of two about the same, the later holds.
_SUBJECTS = {
    "language": rf"\b(?:in|auf|en|au|into|not|only|use|nur|prefer|bevorzuge|prefiero|préfère) "
    rf"(?:\w+ )?(?:{_IN_LANGUAGE})\b|(?:{_IN_LANGUAGE})(?:回答|回复|说|答|で)|用(?:{_IN_LANGUAGE})",
    "units": r"\b(?:metric|imperial|celsius|fahrenheit|kilomet\w+|miles|pounds|kilogram\w*|"
    r"centimet\w+|inches|"
    r"metrisch\w*|imperiale?\w*|métric[oa]s?|métriques?)\b|公制|英制|メートル法",
    "length": r"\b(?:short|shorter|brief|briefly|concise|concisely|terse|long|longer|detailed|"
    r"in detail|verbose|"
    r"one sentence|one line|kurz\w*|knapp\w*|ausführlich\w*|breves?|cort[oa]s?|brèves?|court[es]*|"
    r"concis\w*|détaillé\w*)\b|简短|简洁|详细|短く|簡潔|詳しく",
    "emoji": r"\b(?:emojis?|smileys?)\b|表情|絵文字",
    "tone": r"\b(?:formal|informal|casual|friendly|polite|duze?|sieze?|duzen|siezen|tutoie|tutoyer|vouvoie|"
    r"tutéame|tutea\w*|sarcastic|blunt|direct)\b|敬語|タメ口",
    "format": r"\b(?:bullet points?|bullets|bulleted|markdown|tables?|plain text|headings?|stichpunkte?n?|"
    r"listes?|viñetas|puces)\b|列表|表格|箇条書き",
    "time format": r"\b(?:24[- ]?h(?:our)?|12[- ]?h(?:our)?|military time)\b",
    "currency": r"\b(?:euros?|dollars?|pounds sterling|yen|francs?|usd|eur|gbp)\b",
}
_SUBJECT_PATTERNS = {name: re.compile(find, re.IGNORECASE) for name, find in _SUBJECTS.items()}
_LANGUAGE = re.compile(rf"(?:{_IN_LANGUAGE})", re.IGNORECASE)
_NOT = re.compile(
    r"\b(?:never|don['’]t|do not|not|stop|no longer|nie|niemals|nicht|nunca|jamás|no|jamais|ne|"
    r"n['’])\b|不|别|ない",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"\b(?:when|whenever|if|unless|while|for|about|wenn|falls|bei|für|über|cuando|si|para|sobre|quand|pour|"
    r"lorsque)\b|的时候|如果|とき|場合",
    re.IGNORECASE,
)

# For one task or for now, and so nothing that stands.
_PASSING = re.compile(
    r"\b(?:in|for|of|to|with) (?:this|that|these|the (?:following|next|above|attached|first|second|last)|"
    r"the (?:story|poem|essay|letter|email|text|dialogue|function|script|novel|game|scene|file|document|"
    r"table|code|class|loop|program))\b|"
    r"\b(?:this time|just (?:this )?once|for now|today|tonight|until|this (?:one|question|task|"
    r"answer|reply))\b|"
    r"\b(?:diesmal|für jetzt|heute|in diesem|in dieser|esta vez|por ahora|hoy|en este|en esta|cette fois|"
    r"pour l['’]instant|aujourd['’]hui|dans ce|dans cette)\b|这次|今天|这个|今回|今日は|この",
    re.IGNORECASE,
)
_SAYINGS = re.compile(
    r"\b(?:never mind|never say never|never give up|tell (?:me )?the truth|use (?:your|my|his|her|their) "
    r"(?:head|brain|imagination|words)|use protection|use (?:sunscreen|a condom|caution)|"
    r"assume the (?:worst|best)|be (?:yourself|prepared|kind)|write (?:it )?down|talk to strangers)\b",
    re.IGNORECASE,
)

_FROM_NOW = (
    r"(?:from now on(?:wards?)?|from here on(?: out| in)?|from this point on|going forward|henceforth|"
    r"in (?:the )?future|in (?:all )?future (?:answers|replies|responses|messages|chats|conversations)|"
    r"in all (?:of )?(?:your )?(?:answers|replies|responses)|for all (?:future )?(?:answers|replies|"
    r"responses)|"
    r"every time you (?:answer|reply|respond)|whenever (?:you|i)\b[^,]{3,60})"
)
_ORDER = (
    rf"(?:please )?(?:(?:you|i want you to|i['’]d like you to) )?(?:should |must |will |can )?"
    rf"(?:always |never |only |don['’]t |do not |stop )?{_DO}"
)
_MINE = r"(?:your |all |the |all your |my )?(?:answers|replies|responses|explanations|output)"

_FORMS = tuple(
    re.compile(_POLITE + pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:always|never|don['’]t ever|do not ever) (?:please )?{_DO}.+",
        rf"{_DO}.*\b(?:always|from now on|going forward|in (?:the )?future|every time|at all times|"
        rf"by default)[.!\s]*$",
        rf"{_DO} (?:me )?(?:always|only|exclusively) (?:in|with|by|using)\b.+",
        rf"{_FROM_NOW}[,:]? (?=.{{4}})(?:{_ORDER}|no (?:more )?(?:{_OURS})|only (?:{_OURS})|{_MINE}|"
        rf"i (?:prefer|want you|expect you|would like you|['’]d like)|always|never).*",
        rf"(?:don['’]t|do not|stop|quit|no longer) {_DO}.*\b(?:again|any ?more|ever|at all|"
        rf"in (?:your|any|the) "
        rf"(?:answers?|repl(?:y|ies)|responses?))[.!\s]*$",
        r"(?:stop|quit) (?:using|apologi[sz]ing|adding|asking me|calling me|saying|including|"
        r"suggesting|writing|"
        r"repeating|summari[sz]ing)\b.+",
        rf"{_MINE} (?:should|must|need to|have to|ought to) (?:always |never |only )?be\b.+",
        r"i (?:always|generally|usually|strongly|much|really)? ?prefer (?!(?:the|this|that|these|"
        r"those|it|him|her|"
        r"them|not|to (?:go|stay|leave|be|do|have|see|eat|meet|wait|buy)|option|answer|version|"
        r"number|[a-d0-9])\b)"
        r".{3,}",
        rf"i (?:always |only )(?:want|need|like|expect) {_MINE}.+",
        rf"i(?:['’]d| would) (?:like|prefer|rather have|want) {_MINE} (?:to be|in|as|with|without)\b.+",
        r"i(?:['’]d| would)? (?:like|prefer|want) you to (?:always|never|only)\b.+",
        r"(?:always|only) (?:speak|talk) (?:to me )?in\b.+",
        # German
        r"(?:antworte|schreib(?:e)?|sprich|erkläre?|benutze?|verwende|nutze|gib|nenn(?:e)? mich|"
        r"rede|halte?|"
        r"formuliere|zeige?|füge)\b.*\b(?:immer|stets|nie(?:mals)?|ab jetzt|von nun an|ab sofort|künftig|"
        r"in zukunft|grundsätzlich)\b.*",
        r"(?:immer|stets|nie(?:mals)?) (?:bitte )?(?:auf|in|mit|ohne|kurz|ausführlich|metrisch|"
        r"emojis?|du|sie)\b.*"
        r"(?:antworten|schreiben|verwenden|benutzen|sprechen|nutzen)\b.*",
        r"(?:ab jetzt|von nun an|ab sofort|künftig|in zukunft)[,:]? (?:bitte )?(?:immer |nur |"
        r"nie )?(?:antworte\w*|"
        r"schreib\w*|sprich|benutze?\w*|verwende\w*|nutze\w*|auf|keine|kurz|nur|erkläre?|nenn\w*|"
        r"sollst)\b.*",
        r"ich (?:bevorzuge|ziehe .+ vor|möchte,? dass du (?:immer|nie|stets|nur))\b(?! (?:das|die|"
        r"den|diese\w*) ).+",
        r"(?:duze?|sieze?) mich\b.*",
        # Spanish
        r"(?:responde|contesta|escribe|habla|usa|utiliza|explica|da|muestra)(?:me)? (?:siempre|solo|"
        r"sólo)\b.+",
        r"(?:siempre) (?:responde|contesta|escribe|habla|usa|utiliza|explica|muestra)(?:me)?\b.+",
        r"(?:nunca|jamás) (?:uses|utilices|escribas|respondas|contestes|pongas|añadas|hables)\b.+",
        r"no (?:uses|utilices|escribas|respondas|pongas|añadas) (?:nunca|jamás|más)\b.+",
        r"(?:a partir de ahora|de ahora en adelante|desde ahora|en el futuro|"
        r"en adelante)[,:]? (?:por favor,? )?"
        r"(?:responde|contesta|escribe|habla|usa|utiliza|explica|siempre|nunca|quiero que|no |solo )\b.*",
        r"(?:yo )?prefiero (?!(?:el|la|los|las(?! respuestas)|este|esta|eso|esto|ese|esa|que no)\b).{3,}",
        r"tutéame\b.*",
        # French
        r"(?:réponds|écris|utilise|parle|explique|donne|emploie|montre)(?:[- ]moi)? (?:toujours|uniquement|"
        r"seulement)\b.+",
        r"(?:n['’]utilise|n['’]écris|ne réponds|n['’]emploie|ne mets|n['’]ajoute|"
        r"ne parle)s?(?:[- ]moi)? (?:jamais|"
        r"plus)\b.+",
        r"(?:à partir de maintenant|désormais|dorénavant|à l['’]avenir)[,:]? (?:réponds|écris|"
        r"utilise|parle|explique|"
        r"emploie|ne |n['’]|toujours|je veux que|tu dois|donne).*",
        r"je préfère (?!(?:le|la|les(?! réponses)|ce|cette|ceux|celui|celle|ça|cela|ne pas)\b).{3,}",
        r"(?:tutoie|vouvoie)[- ]moi\b.*",
        # Chinese and Japanese
        r"(?:请)?(?:以后|从现在开始|从现在起|从今以后|今后)[，,]?(?:请|都|一律|总是|只|不要|别|用|回答|尽量).+",
        r"(?:请)?(?:总是|始终|永远|一律|务必)(?:不要|别|都|只)?(?:用|使用|以|回答|回复|说|写|加|给).+",
        r"(?:请)?(?:不要|别)再.*(?:用|使用|说|回答|加|道歉).*",
        r"我(?:更|比较)?(?:偏好|喜欢用|更喜欢)(?!这|那).{2,}",
        r"(?:これからは?|今後は?|以後は?|今から)[、,]?.+(?:てください|でください|下さい|して|ないで|にして|お願いします).*",
        r"(?:いつも|常に|必ず|毎回)[、,]?.*(?:答え|返答|回答|返信|使|書|説明|話し|呼ん).*(?:ください|下さい|して|で)[。！]?$",
        r"(?:絶対に|二度と|決して).*(?:使わ|書か|言わ|答え|つけ|入れ).*ないで.*",
        r"(?:私は|僕は|俺は)?(?!これ|それ|あれ)\S{2,30}(?:を好みます|のほうが好きです|の方が好きです)[。]?$",
    )
)  # fmt: skip

# By themselves these are about all answers; beside a question or a task, about that one.
_ALONE = tuple(
    re.compile(_POLITE + pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:answer|reply|respond|write|speak|talk)(?: to me)?(?: only)? in (?:simple |plain |"
        rf"british |american )?"
        rf"(?:{_IN_LANGUAGE})\b[^:]{{0,40}}$",
        r"(?:answer|reply|respond) (?:briefly|concisely|in short sentences|in detail|formally|"
        r"informally)[.!\s]*$",
        r"keep (?:your |the |all )?(?:answers|replies|responses) .+",
        r"(?:use|give me) (?:only )?(?:metric|imperial)(?: units)?[.!\s]*$",
        rf"(?:antworte|schreib|schreibe|sprich)(?: mir)?(?: bitte)?(?: mit mir)?(?: nur)? (?:auf |in )?"
        rf"(?:{_IN_LANGUAGE})\b[^:]{{0,40}}$",
        rf"(?:responde|contesta|escribe|habla)(?:me)?(?: por favor)?(?: solo)? en "
        rf"(?:{_IN_LANGUAGE})\b[^:]{{0,40}}$",
        rf"(?:réponds|répondez|écris|parle)(?:[- ]moi)?(?: uniquement)? en (?:{_IN_LANGUAGE})\b[^:]{{0,40}}$",
        rf"(?:请)?(?:都)?用(?:{_IN_LANGUAGE})(?:回答|回复|跟我说|说|交流).{{0,6}}$",
        rf"(?:{_IN_LANGUAGE})で(?:答えて|回答して|返答して|返信して|話して|お願いします).{{0,8}}$",
    )
)  # fmt: skip


def instructions_in(text: str) -> list[Told]:
    """Those of the sentences of `text`, somebody's own message, that are to be heeded always."""
    return [instruction(s.text) for s in sentences(text) if _stands(s)][:MAX_INSTRUCTIONS]


def instruction(text: str) -> Told:
    """A sentence known to be an instruction, and what it is about."""
    polite = _BEGINNING.match(text)
    line = told_text(text[polite.end() :] if polite else text)
    if _LIMITED.search(line):
        return Told(line, "", folded_line(line))
    about = [name for name, pattern in _SUBJECT_PATTERNS.items() if pattern.search(line)]
    language = _LANGUAGE.search(line) if about == ["language"] else None
    value = folded_line(line)
    if language and not _NOT.search(line):
        value = _NAMES[language.group().casefold()]
    return Told(line, "+".join(f"how: {name}" for name in about), value)


def _stands(sentence: Sentence) -> bool:
    said = sentence.mask
    if sentence.asks or sentence.material or len(said) > LONGEST_INSTRUCTION:
        return False
    if _PASSING.search(said) or _SAYINGS.search(said):
        return False
    lone = sentence.alone and any(form.match(said) for form in _ALONE)
    return lone or any(form.match(said) for form in _FORMS)
