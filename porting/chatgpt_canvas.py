"""Documents of ChatGPT's canvas, which the model writes by telling a tool, beside what it says."""

import json
from collections.abc import Mapping

from messages import Part, Text
from porting.carried import listed, mapping, words

_BEGUN, _CHANGED = "canmore.create_textdoc", "canmore.update_textdoc"


class Canvas:
    """The one of a conversation: an update names neither the document nor its kind.

    A document is shown where it was begun and where it was written anew. Changes of single places are
    passed over: they are regular expressions of the file's own, which are run for nobody.
    """

    def __init__(self) -> None:
        self._name = ""
        self._kind = ""

    def told(self, recipient: object, content: Mapping[str, object]) -> tuple[Part, ...]:
        """What the reader sees of what was said to a tool: nothing, for all others."""
        if recipient not in (_BEGUN, _CHANGED):
            return ()
        told = words(content.get("text")) or "".join(map(words, listed(content.get("parts"))))
        try:
            found = mapping(json.loads(told))
        except (ValueError, RecursionError):
            return ()
        if recipient == _BEGUN:
            self._name = words(found.get("name"))[:200]
            self._kind = words(found.get("type"))
            return self._shown(words(found.get("content")))
        changes = [mapping(one) for one in listed(found.get("updates"))]
        whole = [words(one.get("replacement")) for one in changes if one.get("pattern") == ".*"]
        return self._shown(whole[-1]) if whole else ()

    def _shown(self, written: str) -> tuple[Part, ...]:
        if not written.strip():
            return ()
        kind, _, language = self._kind.partition("/")
        body = fenced(language, written) if kind == "code" else Text(written.strip())
        return (Text(f"📎 {self._name}"), body) if self._name else (body,)


def fenced(language: str, code: str) -> Text:
    return Text(f"```{language if language.isalnum() else ''}\n{code.strip()}\n```")
