"""The offline reader, word by word: screenshots, columns, photographs, long pages, other scripts."""

import io
import itertools
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import async_playwright

from inference.offline.faculties import Faculties, Read
from inference.offline.pictures import opened
from inference.offline.senses.layout import Line
from inference.offline.senses.spacing import spaced
from inference.offline.senses.tiles import joined, spans
from tests.browser.conftest import QUIET
from tests.pictures import encoded, photographed, written

pytestmark = pytest.mark.slow

ERROR = (
    "$ python manage.py migrate --database replica",
    "Traceback (most recent call last):",
    '  File "/srv/app/manage.py", line 22, in <module>',
    '  File "/srv/app/core/db.py", line 118, in connect',
    '    raise OperationalError("connection refused")',
    "psycopg.OperationalError: connection to server at",
    '"10.0.3.17", port 5432 failed: Connection refused',
    "ERROR: exit status 1 after 3.42 seconds",
)
HARBOUR = (
    "The harbour was quiet when the morning ferry",
    "arrived with only eleven passengers aboard.",
    "Nobody on the pier expected the captain to",
    "leave the bridge, yet he walked straight to",
    "the customs house and asked for the letters.",
)
GARDEN = (
    "Meanwhile the gardener counted forty roses",
    "along the northern wall and found that the",
    "frost had spared every single one of them.",
    "He wrote the number in his small notebook",
    "and closed the gate without another word.",
)
PAGE = """<style>body {{ background: {ground}; color: {ink}; font: 15px/1.6 sans-serif; width: 860px;
margin: 30px }} code {{ font-family: monospace; background: {band}; padding: 3px }}</style>
<h1>Release notes</h1><p>Version 3.2 brings faster indexing and repairs the nightly export.</p>
<ul><li>Backups are kept for thirty days</li><li>Sessions expire after twelve hours</li></ul>
<p>Run <code>tool upgrade --check</code> before the update, then restart the service.</p>
<p>Known trouble: older printers may lose their margins after the upgrade. Choose another driver in the
settings, or wait for the next release, which is planned for October.</p>"""
PAGE_WORDS = """Release notes Version 3.2 brings faster indexing and repairs the nightly export Backups
are kept for thirty days Sessions expire after twelve hours Run tool upgrade check before the update
then restart the service Known trouble older printers may lose their margins after the upgrade Choose
another driver in the settings or wait for the next release which is planned for October"""


@pytest.fixture(scope="module")
def reader() -> Iterator[Faculties]:
    faculties = Faculties()
    yield faculties
    faculties.end()


async def read(reader: Faculties, image: Image.Image, encoding: str = "PNG") -> Read:
    return await reader.read(opened(encoded(image, encoding)))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def recall(found: str, wanted: str) -> float:
    """The share of the words of `wanted` that were found, each as often as it stands there."""
    there = Counter(words(wanted))
    return (there & Counter(words(found))).total() / there.total()


async def test_an_error_in_a_terminal_is_read_line_by_line(reader: Faculties) -> None:
    dark = written(
        ERROR, font="DejaVuSansMono", size=18, ink="#d8dee9", ground="#11151c", width=800
    )
    found = (await read(reader, dark)).text
    assert recall(found, "\n".join(ERROR)) >= 0.95
    assert 'File "/srv/app/core/db.py", line 118, in connect' in found.splitlines()


async def test_a_web_page_is_read_in_light_and_in_dark(reader: Faculties) -> None:
    looks = (("#ffffff", "#222222", "#eeeeee"), ("#14181b", "#d9dde0", "#2a3136"))
    async with async_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=found, args=[*QUIET])
        page = await browser.new_page(viewport={"width": 940, "height": 420})
        for ground, ink, band in looks:
            await page.set_content(PAGE.format(ground=ground, ink=ink, band=band))
            shot = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
            assert recall((await read(reader, shot)).text, PAGE_WORDS) >= 0.95
        await browser.close()


@pytest.mark.parametrize("font", ["DejaVuSans", "DejaVuSansMono", "DejaVuSerif"])
async def test_words_that_stand_apart_are_not_joined(reader: Faculties, font: str) -> None:
    """The reader alone joins some of these, above all where the ground changes between two words."""
    lines = ("Release notes", "Run tool upgrade before it", "i will fill it all in till noon")
    sheet = written(lines, font=font, size=24, ink="#d9dde0", ground="#14181b", width=640)
    band = Image.new("RGB", (150, 39), "#2a3136")
    sheet.paste(band, (86, 60), sheet.crop((86, 60, 236, 99)).convert("L").point(_is_ground))
    assert words((await read(reader, sheet)).text) == words(" ".join(lines))


def _is_ground(level: int) -> int:
    return 255 if level < 60 else 0


async def test_columns_are_read_one_after_the_other(reader: Faculties) -> None:
    sheet = Image.new("RGB", (1240, 280), "white")
    sheet.paste(written(HARBOUR, width=560), (20, 20))
    sheet.paste(written(GARDEN, width=560), (660, 20))
    assert words((await read(reader, sheet)).text) == words(" ".join((*HARBOUR, *GARDEN)))


async def test_a_page_photographed_from_the_side_is_read(reader: Faculties) -> None:
    seen = photographed(written((*HARBOUR, *GARDEN), size=34, width=960))
    found = (await read(reader, seen, "JPEG")).text
    assert recall(found, " ".join((*HARBOUR, *GARDEN))) >= 0.95
    first, last = found.index("harbour"), found.index("another")
    assert first < found.index("Meanwhile") < last


async def test_a_long_page_has_each_of_its_lines_once(reader: Faculties) -> None:
    lines = [f"{n:03} the topic is {n * 7919 % 1000}" for n in range(1, 46)]
    found = (await read(reader, written(lines, size=25, width=520))).text
    assert [line for line in found.splitlines() if line] == lines


async def test_writing_that_the_reader_does_not_know_is_admitted(reader: Faculties) -> None:
    mixed = written(
        ["Invoice 4711 for Ivan", "Съешь же ещё этих мягких булок", "Total 300 EUR"], width=640
    )
    found = await read(reader, mixed)
    assert words(found.text) == words("Invoice 4711 for Ivan Total 300 EUR")
    assert "1 more line could not be read" in found.admission


SCRIPTS = {
    "Cyrillic": ("Вчера вечером мы долго гуляли.", "Цена билета триста рублей."),
    "Greek": ("Η γρήγορη καφέ αλεπού πηδάει.", "Καλημέρα, πόσο κοστίζει;"),
    "Arabic": ("نص حكيم له سر قاطع وذو شأن", "صباح الخير يا أصدقائي"),
    "Georgian": ("დილა მშვიდობისა, როგორ ხართ?", "თბილისი დედაქალაქია."),
}


@pytest.mark.parametrize("script", SCRIPTS)
async def test_of_other_scripts_no_junk_is_made(reader: Faculties, script: str) -> None:
    found = await read(reader, written(SCRIPTS[script], size=24, width=620))
    assert (found.text, found.unread) == ("", 2)


async def test_marked_letters_are_no_other_script(reader: Faculties) -> None:
    lines = ("Gestern Abend gingen wir am Flussufer, Übermut!", "Zażółć gęślą jaźń. Árvíztűrő")
    found = await read(reader, written(lines, size=24, width=760))
    assert (words(found.text), found.unread) == (words(" ".join(lines)), 0)


async def test_blanks_are_found_where_no_ink_stands_for_long() -> None:
    ink = np.full((20, 200, 3), 255, np.uint8)
    places = [10, 22, 34, 60, 72, 84]
    for place in places:
        ink[4:16, place - 4 : place + 4] = 0
    shares = [place / 200 for place in places]
    assert spaced("abcdef", shares, ink) == "abc def"
    assert spaced("abc def", shares, ink) == "abc def"
    assert spaced("471112", shares, ink) == "471112"
    assert spaced("it.11:", shares, ink) == "it.11:"
    assert spaced("日本語文字列", shares, ink) == "日本語文字列"
    assert spaced("abcde", shares, ink) == "abcde"  # places that do not fit the text
    ink[4:16, 18:38] = 0  # where two signs touch, a blank told between them is the gap beside them
    assert spaced("ab cdef", shares, ink) == "ab cdef"


def line(text: str, top: float, left: float = 0, right: float = 300) -> Line:
    return Line(text, left, top, right, top + 20, 0.9)


async def test_tiles_cover_a_page_and_lines_at_their_seams_are_told_once() -> None:
    for length in (100, 2_400, 2_401, 3_200, 9_000, 12_000):
        tiles: Sequence[tuple[int, int]] = spans(length)
        assert (tiles[0][0], tiles[-1][1]) == (0, length)
        assert all(a[1] - b[0] == 160 for a, b in itertools.pairwise(tiles))
        assert all(end - start <= 2_400 for start, end in tiles)
    before = [line("one", 0), line("two is who", 30, 0, 200)]
    after = [line("two is whole", 31), line("three", 60), line("beside", 61, 400, 500)]
    assert [kept.text for kept in joined(before, after)] == [
        "one",
        "two is whole",
        "three",
        "beside",
    ]
