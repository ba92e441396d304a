"""Every state of the page that is worth a picture, each reached as a person reaches it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, FilePayload, Page, ViewportSize

from tests.browser.conftest import RunningParley, finished, opened, ready, replies, say
from tests.pictures import png
from tests.scripted_server import ScriptedServer, tone

Camera = Callable[..., None]
SIZES = {
    "wide": ViewportSize(width=1920, height=1080),
    "desk": ViewportSize(width=1280, height=800),
    "phone": ViewportSize(width=390, height=844),
    "small": ViewportSize(width=360, height=640),
}
PHONES = ("phone", "small")

BREAD = """It is **just after seven** on Tuesday morning in Tokyo, so Aiko is up. For her loaf:

| for 500 g of flour | by weight | by share |
| --- | --- | --- |
| water | 375 g | 75 % |
| starter | 100 g | 20 % |
| salt | 10 g | 2 % |

```python
def water(flour_g: float, hydration: float = 0.75) -> float:
    return flour_g * hydration
```
"""
WORDS = [f"{word} " for word in BREAD.split(" ")]
PIER = png("Gate 14 · boarding 18:05\nSeat 22A", background="#fde68a")


@dataclass
class Scene:
    """What a state finds: `page` shows the `parley` that has a model."""

    model: ScriptedServer
    parley: RunningParley
    newcomer: RunningParley
    locked: RunningParley
    page: Page = field(init=False)
    visitor: Callable[[], BrowserContext] = field(init=False)

    def beside(self, url: str) -> Page:
        """Another page of the same browser, so of the same visitor."""
        page = self.page.context.new_page()
        page.goto(url)
        return page

    def do(self, name: str, within: str = "") -> None:
        self.page.locator(f"{within} [data-do={name}]").first.click()

    def send(self, words: str, number: int = 1) -> None:
        say(self.page, words)
        finished(self.page, number)

    def new(self) -> None:
        self.page.locator("#parley-new").evaluate("(button) => button.click()")
        self.page.locator("#parley-welcome").wait_for()

    def attach(self, *files: FilePayload) -> None:
        self.page.locator("#parley-image input[type=file]").set_input_files(list(files))

    def clear(self) -> None:
        """Nothing open, nothing written: ready for the next state."""
        self.page.keyboard.press("Escape")
        while self.page.locator("dialog[open]").count():
            self.page.keyboard.press("Escape")
        self.page.locator("#parley-input textarea").fill("")
        while (left := self.page.locator("#parley-attachments .remove")).count():
            left.first.evaluate("(button) => button.click()")
        self.new()


def upload(name: str, mime: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": data}


# ── before anything was said ────────────────────────────────────────────────────────────────────


def newcomer(scene: Scene, take: Camera) -> None:
    page, _ = opened(scene.visitor(), scene.newcomer.url)
    take(page, "newcomer")
    page.locator(".banner summary").click()
    take(page, "newcomer-told", "desk", "phone")
    page.context.close()


def empty(scene: Scene, take: Camera) -> None:
    take(scene.page, "empty")


def login(scene: Scene, take: Camera) -> None:
    page = scene.visitor().new_page()
    page.goto(scene.locked.url)
    take(page, "login")
    page.locator("[name=name]").fill("ann")
    page.locator("[name=password]").fill("no")
    page.keyboard.press("Enter")
    page.locator(".wrong").wait_for()
    take(page, "login-wrong", "desk", "phone")
    page.context.close()


# ── a talk ──────────────────────────────────────────────────────────────────────────────────────


def talk(scene: Scene, take: Camera) -> None:
    scene.model.says("Noted: your sister lives in Tokyo.")
    scene.send("My sister Aiko lives in Tokyo and loves bread.")
    scene.new()
    calls = (("calculate", {"expression": "75% of 500"}), ("clock", {"zone": "Asia/Tokyo"}))
    scene.model.calls(*calls).says(*WORDS)
    scene.send(
        "What time is it for my sister in Tokyo, and how much water for 500 g of flour at 75 %?"
    )
    scene.page.wait_for_timeout(400)
    take(scene.page, "talk")
    scene.page.locator("details.tool summary").first.click()
    take(scene.page, "tool", "desk", "phone")


def tool_running(scene: Scene, take: Camera) -> None:
    scene.model.thinks("They want to bake today: look for flour nearby.").calls(
        ("search_web", {"query": "stone-ground flour Kamakura"}),
        ("clock", {"zone": "Asia/Tokyo"}),
    )
    say(scene.page, "Where in Kamakura can I buy stone-ground flour today?")
    scene.page.locator(".tool .state").first.wait_for()
    scene.page.wait_for_timeout(1_200)
    take(scene.page, "tool-running")
    scene.page.locator("#parley-stop").click()
    finished(scene.page)


def tool_asks(scene: Scene, take: Camera) -> None:
    scene.model.says("Noted.")
    scene.send("Remember that my locker is number 4711.")
    scene.model.calls("forget", memory="my locker is number 4711").says("Forgotten.")
    say(scene.page, "Please forget my locker.")
    scene.page.locator(".tool-question").wait_for()
    take(scene.page, "tool-asks")
    scene.page.locator(".tool-question button").first.click()
    finished(scene.page, 2)


def streaming(scene: Scene, take: Camera) -> None:
    scene.model.thinks("The user wants a story. Keep it short.").says(*WORDS * 8, delay_s=0.05)
    say(scene.page, "Tell me again, slowly")
    replies(scene.page).get_by_text("Aiko").first.wait_for()
    take(scene.page, "streaming")
    scene.page.locator("#parley-stop").click()
    finished(scene.page)
    take(scene.page, "stopped", "desk", "phone")


def picture(scene: Scene, take: Camera) -> None:
    scene.attach(
        upload("board.png", "image/png", PIER),
        upload("bag.png", "image/png", png("Luggage: 23 kg")),
    )
    scene.page.locator("#parley-attachments .note").first.wait_for()
    scene.page.locator("#parley-speak label").click()
    scene.model.says("Your flight boards at **18:05** at gate 14; you sit in **22A**.")
    scene.model.speaks(tone(2.0))
    scene.send("When do I board?")
    scene.page.wait_for_timeout(400)
    scene.page.locator("#parley-speak label").click()
    take(scene.page, "picture")
    scene.page.locator("#parley-chat .thumb").first.click()
    take(scene.page, "lightbox")
    scene.page.keyboard.press("Escape")
    scene.do("gallery")
    scene.page.locator("dialog.parley-gallery").wait_for()
    take(scene.page, "gallery")


def drawn(scene: Scene, take: Camera) -> None:
    scene.model.draws(png("A quiet harbour", (640, 420), background="#cfe3ee"))
    scene.send("/image a quiet harbour in the morning")
    scene.page.wait_for_timeout(400)
    take(scene.page, "drawn", "desk", "phone")


def failure(scene: Scene, take: Camera) -> None:
    scene.model.fails(401, {"error": {"message": "Incorrect API key provided"}})
    scene.send("One more")
    take(scene.page, "failure")


def versions(scene: Scene, take: Camera) -> None:
    scene.model.says("Rye.").says("Wheat, of course.")
    scene.send("Which flour?")
    scene.page.locator(".message.assistant [data-do=retry]").last.click()
    scene.page.locator(".versions").first.wait_for()
    finished(scene.page)
    scene.page.locator(".message.user").hover()
    scene.page.locator(".message.user [data-do=edit-said]").click()
    take(scene.page, "versions", "desk", "phone")


# ── what is about to be said ────────────────────────────────────────────────────────────────────


def attached(scene: Scene, take: Camera) -> None:
    scene.attach(
        upload("board.png", "image/png", PIER),
        upload("notes.txt", "text/plain", b"Water, flour, salt. " * 40),
        upload("an interview with the baker.wav", "audio/wav", tone(1.0)),
    )
    scene.page.locator("#parley-attachments .note").wait_for()
    scene.page.locator("#parley-attachments .title").wait_for()
    scene.page.wait_for_timeout(500)
    take(scene.page, "attached")


def commands(scene: Scene, take: Camera) -> None:
    scene.page.locator("#parley-input textarea").press_sequentially("/")
    scene.page.locator("#parley-slash [role=option]").first.wait_for()
    take(scene.page, "commands")


def recording(scene: Scene, take: Camera) -> None:
    scene.do("record")
    scene.page.wait_for_timeout(1_200)
    take(scene.page, "recording")
    scene.do("cancel-take")


def call(scene: Scene, take: Camera) -> None:
    scene.do("call")
    scene.page.locator("#parley-call section").wait_for()
    scene.page.wait_for_timeout(1_200)
    take(scene.page, "call")
    scene.page.locator(".hang-up").click()


# ── what stands around it ───────────────────────────────────────────────────────────────────────


def settings(scene: Scene, take: Camera) -> None:
    rows = [{"id": "qwen-3-32b", "context_length": 131072}, {"id": "gemma-3-27b"}]
    rows += [{"id": "whisper-large-v3"}, {"id": "kokoro-82m"}, {"id": "flux.1-schnell"}]
    scene.model.models(rows)
    scene.do("settings")
    for tab in ("general", "replies", "models", "senses", "budget", "data"):
        scene.page.locator(f"[data-tab={tab}]").click()
        if tab == "models":
            scene.page.locator("[data-do=check-provider]").first.click()
            scene.page.locator("[data-well=yes]").first.wait_for()
        take(scene.page, f"settings-{tab}")


def shortcuts(scene: Scene, take: Camera) -> None:
    scene.page.locator("#parley-title").click()
    scene.page.keyboard.press("?")
    scene.page.locator(".parley-shortcuts").wait_for()
    take(scene.page, "shortcuts", "desk", "phone")


def choice(scene: Scene, take: Camera) -> None:
    scene.do("who-answers", "#parley-status")
    scene.page.locator(".parley-choice .offer").first.wait_for()
    take(scene.page, "choice")


def tools(scene: Scene, take: Camera) -> None:
    scene.page.locator("#parley-toolbox button").click()
    scene.page.locator(".tool-row").first.wait_for()
    take(scene.page, "tools")


def usage(scene: Scene, take: Camera) -> None:
    page = scene.page
    page.locator("#parley-usage summary").click()
    take(page, "usage", "desk", "wide")
    page.set_viewport_size({"width": 390, "height": 844})
    scene.do("drawer", "#parley-header")
    take(page, "usage", *PHONES)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#parley-usage summary").click()


def search(scene: Scene, take: Camera) -> None:
    box = scene.page.locator(".seek input")
    box.fill("flour")
    scene.page.locator("#parley-found li").first.wait_for()
    take(scene.page, "search", "desk")
    scene.page.set_viewport_size({"width": 390, "height": 844})
    scene.do("drawer", "#parley-header")
    take(scene.page, "search", *PHONES)
    box.fill("xylophone")
    scene.page.locator("#parley-found .none").wait_for()
    take(scene.page, "search-none", "phone")
    box.fill("")
    scene.page.keyboard.press("Escape")
    scene.page.set_viewport_size({"width": 1280, "height": 800})


def drawer(scene: Scene, take: Camera) -> None:
    scene.page.set_viewport_size({"width": 390, "height": 844})
    scene.do("drawer", "#parley-header")
    take(scene.page, "drawer", *PHONES)
    scene.page.locator("[data-do=conversation-menu]").first.click()
    take(scene.page, "conversation-menu", *PHONES)
    scene.page.keyboard.press("Escape")
    scene.page.keyboard.press("Escape")
    scene.page.set_viewport_size({"width": 1280, "height": 800})
    scene.page.locator("[data-do=conversation-menu]").first.click()
    take(scene.page, "conversation-menu", "desk")


def memory(scene: Scene, take: Camera) -> None:
    """What is remembered at once, what is recalled elsewhere, one card of it, and all of it."""
    for told, reply in (
        ("Remember that my sister Aiko is allergic to nuts.", "I shall keep nuts away from her."),
        ("Always give measures in metric units.", "Metric it is."),
    ):
        scene.new()
        scene.model.says(reply)
        scene.send(told)
    scene.page.wait_for_timeout(300)
    take(scene.page, "remembered", "desk", "phone")
    scene.new()
    scene.model.says("A plain country loaf for **Aiko**: 375 g of water, and no walnuts in it.")
    scene.send("Which bread shall I bake for my sister Aiko?")
    finished(scene.page).locator(".recalled .chip").nth(1).click()
    take(scene.page, "recalled")
    scene.page.keyboard.press("Escape")
    scene.page.locator("#parley-memory button").click()
    scene.page.locator(".kept").first.wait_for()
    take(scene.page, "memory")


def shared(scene: Scene, take: Camera) -> None:
    scene.model.says(*WORDS)
    scene.send("How much water for 500 g of flour?")
    scene.page.locator("[data-do=conversation-menu]").first.click()
    scene.page.locator("[role=menuitem]").nth(3).click()
    scene.page.locator("dialog [data-act=share]").click()
    link = scene.page.locator("dialog .link input")
    link.wait_for()
    take(scene.page, "share", "desk", "phone")
    page = scene.beside(link.input_value())
    take(page, "shared")
    page.close()
    page = scene.beside(f"{scene.parley.url}parley/shared/nothing-of-that-name")
    take(page, "not-shared", "desk", "phone")
    page.close()


def context(scene: Scene, take: Camera) -> None:
    """A talk that has outgrown a small window: the marker, and the meter opened."""
    page = scene.page
    scene.model.models([{"id": "qwen-3-32b"}, {"id": "qwen-3-4b", "context_length": 8192}])
    scene.do("who-answers", "#parley-status")
    smaller = page.locator("[data-model='qwen-3-4b']")
    while not smaller.count():  # a provider is asked once in ten seconds
        page.locator("#parley-choice-refresh").click()
        page.wait_for_timeout(1_000)
    smaller.check()
    page.locator("#parley-status").get_by_text("qwen-3-4b").wait_for()
    page.keyboard.press("Escape")
    for number, part in enumerate(("flour", "water", "salt", "the oven", "patience"), start=1):
        # The first two are long, the others as one would write them.
        more = "The dough rests, and the gluten finds its strength. " * (250 if number < 3 else 2)
        scene.model.says(f"Of {part} one could say much. {more}")
        scene.send(f"Tell me what {part} does to the bread, and why.", number)
    for size, viewport in SIZES.items():  # what stands beside its button is placed anew
        page.set_viewport_size(viewport)
        page.locator("#parley-messages .marker").scroll_into_view_if_needed()
        page.locator("#parley-context button").first.click()
        take(page, "context", size)
        page.keyboard.press("Escape")


def spent(scene: Scene, take: Camera) -> None:
    """Nobody is there: the line to Parley is gone, and comes back."""
    scene.parley.kill()
    scene.page.locator("#parley-line").wait_for()
    take(scene.page, "line", "desk", "phone")
    scene.parley.start()
    ready(scene.page)


ALL: tuple[Callable[[Scene, Camera], None], ...] = (
    newcomer,
    empty,
    login,
    talk,
    tool_running,
    tool_asks,
    streaming,
    picture,
    drawn,
    failure,
    versions,
    attached,
    commands,
    recording,
    call,
    settings,
    shortcuts,
    choice,
    tools,
    usage,
    search,
    drawer,
    memory,
    shared,
    context,
    spent,
)
