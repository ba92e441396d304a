"""What transcription models write where nobody spoke: thanks, farewells and credits of films.

They learnt from subtitles, and subtitles stand over silence too.
"""

import re
import unicodedata

_NEVER_SAID = """
thanks for watching|thank you for watching|thank you so much for watching
thanks for listening|thank you for listening
please subscribe|subscribe|like and subscribe|please like and subscribe
don't forget to subscribe|please subscribe to my channel|subscribe to my channel
see you in the next video|i'll see you in the next video|i'll see you next time|see you next time
we'll be right back|to be continued
merci d'avoir regardé cette vidéo|merci d'avoir regardé|abonnez-vous
vielen dank fürs zuschauen|danke fürs zuschauen|vielen dank für's zuschauen|copyright wdr 2020
copyright wdr 2021|swr 2021
gracias por ver el video|gracias por ver|suscríbete|suscríbete al canal
grazie per aver guardato il video|grazie per la visione|sottotitoli e revisione a cura di qtss
obrigado por assistir|inscreva-se|inscreva-se no canal
bedankt voor het kijken|dziękuję za uwagę|dziękuję za oglądanie|dziękuje za obejrzenie
продолжение следует|спасибо за просмотр|подписывайтесь на канал|дякую за перегляд
ご視聴ありがとうございました|ご視聴いただきありがとうございます|チャンネル登録お願いします|次回へ続く
チャンネル登録よろしくお願いします|最後までご視聴いただきありがとうございました
시청해주셔서 감사합니다|시청해 주셔서 감사합니다|구독과 좋아요 부탁드립니다|다음 영상에서 만나요|mbc 뉴스
请不吝点赞 订阅 转发 打赏支持明镜与点点栏目|谢谢观看|感谢观看
謝謝觀看|感謝觀看|請不吝點贊 訂閱 轉發 打賞支持明鏡與點點欄目
izlediğiniz için teşekkür ederim|izlediğiniz için teşekkürler|abone olmayı unutmayın
اشتركوا في القناة|شكرا للمشاهدة|सब्सक्राइब करें|terima kasih telah menonton|cảm ơn các bạn đã theo dõi
terima kasih kerana menonton|hẹn gặp lại các bạn trong những video tiếp theo
hãy subscribe cho kênh để không bỏ lỡ những video hấp dẫn|tack för att ni tittade
"""
_CREDIT = re.compile(
    r"(?=.{0,90}$)(.*\bamara\.org\b|(sub)?titles by |captions by |sous-titrage |sous-titres par "
    r"|untertitel(ung)? (von|im auftrag|des|der) |textning |tekstet av |teksting av |danske tekster af "
    r"|titulky vytvořil|редактор субтитров|корректор |субтитры (сделал|создавал|добавил|подогнал)"
    r"|中文?字幕(志願者|志愿者|提供)|字幕(志愿者|by|由)|altyazı m\.k)"
)
"""Who made the subtitles, in the words that usually say it."""
_SELDOM_SAID = """
you|thank you|thank you very much|thank you so much|thanks|bye|bye bye|bye-bye|goodbye|oh|uh|um|hmm
mm|mm-hmm|mhm
so|the|i|and|the end|beep|shh|foreign|silence|music|applause|laughter
merci|au revoir|danke|vielen dank|danke schön|tschüss|das war's|gracias|muchas gracias|adiós|grazie
grazie a tutti
obrigado|obrigada|tchau|bedankt|dank u wel|dank je wel|dziękuję|dzięki|спасибо|спасибо большое|пока|дякую
ありがとうございました|ありがとうございます|おやすみなさい|ん|감사합니다|고맙습니다|谢谢|謝謝|谢谢大家|再见|嗯
teşekkürler|teşekkür ederim|شكرا|धन्यवाद|terima kasih|cảm ơn|tack|tack så mycket|takk|tak|kiitos
děkuji|köszönöm
mulțumesc|ευχαριστώ
"""
_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|\*[^*]+\*|<\|[^|]*\|>|[♪♫♬🎵🎶]+")
"""What is written of sounds that are no words: [BLANK_AUDIO], (wind), *coughs*, ♪."""
_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_SECONDS_A_LETTER = 0.12


def is_ghost(text: str, spoken_s: float = 0.0) -> bool:
    """Whether nobody said this. `spoken_s` is how long somebody was heard to speak, 0 if unknown.

    "Thank you." is believed of a recording in which somebody speaks for about as long as it takes.
    """
    said = _ASIDE.sub(" ", text)
    sentences = [words for part in _SENTENCE_ENDS.split(said) if (words := _plain(part))]
    whole = _once(sentences[0] if len(set(sentences)) == 1 else _plain(said))
    if not whole or whole in _NEVER or all(_never(words) for words in sentences):
        return True
    if whole not in _SELDOM and not all(w in _SELDOM or _never(w) for w in sentences):
        return False
    return not 0 < spoken_s <= 0.6 + _SECONDS_A_LETTER * len(whole)


def without_asides(text: str) -> str:
    """The words alone, without the marks that stand for silence."""
    return re.sub(r"\[\s*blank_audio\s*\]|<\|[^|]*\|>", "", text, flags=re.IGNORECASE).strip()


def _plain(words: str) -> str:
    """Lower case, without the marks around it and in other than usual widths."""
    shown = unicodedata.normalize("NFKC", words).casefold().replace("’", "'")
    return re.sub(r"\s+", " ", shown).strip(" .,!?…。、！？¡¿-–—~·:;\"'«»“”„\t")


def _never(words: str) -> bool:
    return words in _NEVER or _CREDIT.match(words) is not None


def _once(words: str) -> str:
    """One word, where it is all that was written, over and over."""
    different = set(words.split())
    return different.pop() if len(different) == 1 else words


def _listed(phrases: str) -> frozenset[str]:
    return frozenset(_plain(p) for line in phrases.splitlines() for p in line.split("|") if p)


_NEVER = _listed(_NEVER_SAID)
_SELDOM = _listed(_SELDOM_SAID)
