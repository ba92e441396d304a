"""Time zones by the names people use: cities, countries and abbreviations → IANA zones."""

import re
from functools import cache
from zoneinfo import available_timezones

AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
         "Pacific")  # fmt: skip

# Cities that are no zone of their own, countries (those of several zones by their capital's),
# and abbreviations. One line a zone.
ELSEWHERE = """
UTC: utc, gmt, greenwich, zulu
America/New_York: usa, us, the us, united states, america, washington, washington dc, boston
America/New_York: miami, atlanta, philadelphia, nyc, new york city, orlando, est, edt
America/New_York: eastern time
America/Chicago: houston, dallas, austin, texas, san antonio, minneapolis, new orleans
America/Chicago: nashville, cst, cdt, central time
America/Denver: colorado, salt lake city, utah, mst, mdt, mountain time
America/Phoenix: arizona
America/Los_Angeles: san francisco, seattle, california, san diego, las vegas, portland
America/Los_Angeles: silicon valley, la, pst, pdt, pacific time
Pacific/Honolulu: hawaii
America/New_York: nueva york, ニューヨーク, 纽约
Asia/Tokyo: tokio, 東京, 东京
Asia/Shanghai: beijing, peking, pekín, pékin, 北京, 上海
Europe/London: londres, ロンドン, 伦敦
Europe/Paris: パリ, 巴黎
Europe/Rome: rom, roma, ローマ, 罗马
Europe/Vienna: wien, viena, vienne, ウィーン, 维也纳
Europe/Berlin: berlín, ベルリン, 柏林
Europe/Madrid: マドリード, 马德里
America/Toronto: canada, ottawa, montreal, quebec
America/Vancouver: british columbia
America/Edmonton: calgary
America/Mexico_City: mexico
America/Sao_Paulo: brazil, rio de janeiro, rio, brasilia
America/Argentina/Buenos_Aires: argentina
America/Santiago: chile
America/Bogota: colombia
America/Lima: peru
America/Caracas: venezuela
America/Guayaquil: ecuador, quito
America/Montevideo: uruguay
America/Havana: cuba
Europe/London: uk, the uk, united kingdom, england, scotland, wales, great britain, britain
Europe/London: edinburgh, manchester, glasgow, bst
Europe/Dublin: ireland
Europe/Lisbon: portugal, porto
Europe/Madrid: spain, barcelona, valencia, seville
Europe/Paris: france, lyon, marseille, nice, cet, cest
Europe/Brussels: belgium, antwerp
Europe/Amsterdam: netherlands, the netherlands, holland, rotterdam, the hague
Europe/Berlin: germany, munich, hamburg, frankfurt, cologne, stuttgart, leipzig, dresden
Europe/Zurich: switzerland, geneva, bern, basel, zürich
Europe/Vienna: austria, salzburg
Europe/Rome: italy, milan, naples, venice, florence, turin
Europe/Prague: czech republic, czechia
Europe/Warsaw: poland, krakow
Europe/Budapest: hungary
Europe/Bucharest: romania
Europe/Sofia: bulgaria
Europe/Athens: greece, eet
Europe/Istanbul: turkey, ankara, türkiye
Europe/Copenhagen: denmark
Europe/Stockholm: sweden, gothenburg
Europe/Oslo: norway
Europe/Helsinki: finland
Europe/Tallinn: estonia
Europe/Riga: latvia
Europe/Vilnius: lithuania
Europe/Kyiv: ukraine, kiev
Europe/Moscow: russia, st petersburg
Europe/Belgrade: serbia
Europe/Zagreb: croatia
Europe/Ljubljana: slovenia
Europe/Bratislava: slovakia
Atlantic/Reykjavik: iceland
Africa/Cairo: egypt
Africa/Lagos: nigeria
Africa/Nairobi: kenya
Africa/Johannesburg: south africa, cape town, pretoria
Africa/Casablanca: morocco
Africa/Accra: ghana
Africa/Addis_Ababa: ethiopia
Africa/Algiers: algeria
Africa/Tunis: tunisia
Asia/Dubai: uae, united arab emirates, abu dhabi
Asia/Riyadh: saudi arabia, mecca
Asia/Qatar: doha
Asia/Jerusalem: israel, tel aviv
Asia/Baghdad: iraq
Asia/Tehran: iran
Asia/Karachi: pakistan, lahore, islamabad
Asia/Kolkata: india, mumbai, delhi, new delhi, bangalore, bengaluru, chennai, hyderabad
Asia/Kolkata: calcutta, ist
Asia/Kathmandu: nepal
Asia/Dhaka: bangladesh
Asia/Colombo: sri lanka
Asia/Bangkok: thailand
Asia/Ho_Chi_Minh: vietnam, saigon, hanoi
Asia/Jakarta: indonesia
Asia/Kuala_Lumpur: malaysia
Asia/Manila: philippines, the philippines
Asia/Shanghai: china, beijing, shenzhen, guangzhou
Asia/Taipei: taiwan
Asia/Seoul: korea, south korea, kst
Asia/Tokyo: japan, osaka, kyoto, jst
Australia/Sydney: australia, canberra, aest
Pacific/Auckland: new zealand, wellington
"""

# Words that name a zone and also mean something else in a question about time.
AMBIGUOUS = {"wake", "act", "lhi", "nsw", "north", "south", "west", "center", "easter", "midway",
             "troll", "reunion", "central", "eastern", "mountain"}  # fmt: skip


_WITHOUT_SPACES = re.compile(r"[\u3040-\u9fff]")


@cache
def zones() -> dict[str, str]:
    """Place in lower case → IANA zone."""
    known = {}
    for zone in sorted(available_timezones()):
        area, _, city = zone.partition("/")
        if area in AREAS and city:
            name = city.rpartition("/")[2].replace("_", " ").lower()
            if name not in AMBIGUOUS:
                known[name] = zone
        known[zone.lower()] = zone
    for line in ELSEWHERE.strip().splitlines():
        zone, _, names = line.partition(": ")
        known |= dict.fromkeys(names.split(", "), zone)
    return known


def zones_in(text: str) -> list[tuple[int, str, str]]:
    """Places named in the text, in order: where, as written, its zone. The longest name wins."""
    known = zones()
    words = list(re.finditer(r"[^\s,;:?!()\"]+", text))
    found, i = [], 0
    while i < len(words):
        for length in (4, 3, 2, 1):
            window = words[i : i + length]
            name = " ".join(word.group().lower().rstrip(".") for word in window)
            name = name.removesuffix("'s").removesuffix("’s")
            zone = known.get(name)
            # "us", "la" and German's "ist" are places only in capitals.
            plain = len(name) > 2 and name != "ist"
            if zone and (plain or window[0].group().isupper()):
                found.append((window[0].start(), _written(text, window), zone))
                i += len(window)
                break
        else:
            i += 1
    return sorted({*found, *_among_others(text)})


def _among_others(text: str) -> list[tuple[int, str, str]]:
    """Places in scripts that put no spaces between words."""
    known = _without_spaces()
    return [(text.index(name), name, zone) for name, zone in known.items() if name in text]


@cache
def _without_spaces() -> dict[str, str]:
    return {name: zone for name, zone in zones().items() if _WITHOUT_SPACES.match(name)}


def _written(text: str, window: list[re.Match[str]]) -> str:
    """As the asker wrote it, with capitals where there were none."""
    name = re.sub(r"(?:['’]s)?\.*$", "", text[window[0].start() : window[-1].end()])
    return name.title() if name.islower() and len(name) > 3 else name
