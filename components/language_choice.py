"""The reader's choice among the languages of the page; "" leaves it to their browser."""

from components.words import LANGUAGES, chosen, say


def select() -> str:
    now = chosen()
    listed = "".join(
        f'<option value="{name}"{" selected" if name == now else ""}>{label}</option>'
        for name, label in (("", say("As the browser")), *LANGUAGES.items())
    )
    return f'<select name="settings-language" aria-label="{say("Language")}">{listed}</select>'
