"""The weather of a place, by Open-Meteo: its search for places, then its forecast."""

from dataclasses import dataclass
from typing import Any, Literal

from tools.router import Tool, ToolError, tool

GEOCODING_URL = "https://geocoding-api.open-meteo.com"
FORECAST_URL = "https://api.open-meteo.com"
DAYS = 4

Unit = Literal["celsius", "fahrenheit"]

# WMO's codes 4677, as Open-Meteo gives them.
SKIES = {
    0: "clear sky", 1: "mainly clear", 2: "partly cloudy", 3: "overcast",
    45: "fog", 48: "rime fog",
    51: "light drizzle", 53: "drizzle", 55: "dense drizzle",
    56: "light freezing drizzle", 57: "freezing drizzle",
    61: "light rain", 63: "rain", 65: "heavy rain",
    66: "light freezing rain", 67: "freezing rain",
    71: "light snow", 73: "snow", 75: "heavy snow", 77: "snow grains",
    80: "light showers", 81: "showers", 82: "violent showers",
    85: "light snow showers", 86: "snow showers",
    95: "thunderstorm", 96: "thunderstorm with hail", 99: "thunderstorm with heavy hail",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    name: str
    latitude: float
    longitude: float


def weather_tool(geocoding_url: str = GEOCODING_URL, forecast_url: str = FORECAST_URL) -> Tool:
    @tool(reaches_out=True)
    async def weather(location: str, unit: Unit = "celsius") -> str:
        """The weather now and in the next days at a place, such as Barcelona or Springfield, Illinois."""
        spot = await _spot(geocoding_url, location)
        params = {
            "latitude": spot.latitude,
            "longitude": spot.longitude,
            "current": "temperature_2m,apparent_temperature,relative_humidity_2m,weather_code,"
            "wind_speed_10m",
            "daily": "weather_code,temperature_2m_max,temperature_2m_min,"
            "precipitation_probability_max",
            "temperature_unit": unit,
            "timezone": "auto",
            "forecast_days": DAYS,
        }
        body = await _asked(f"{forecast_url}/v1/forecast", params)
        try:
            return _told(spot, body)
        except (KeyError, TypeError, ValueError, IndexError):
            raise ToolError("Open-Meteo answered with what is no forecast.") from None

    return weather


async def _spot(geocoding_url: str, location: str) -> Spot:
    """The best match; what stands after a comma tells places of one name apart."""
    name, *others = [part.strip() for part in location.split(",")]
    if not 2 <= len(name) <= 100:
        raise ToolError("Name a place, such as Barcelona.")
    params = {"name": name, "count": 10 if others else 1, "language": "en", "format": "json"}
    body = await _asked(f"{geocoding_url}/v1/search", params)
    rows = body.get("results") or []
    wanted = [other.casefold() for other in others if other]

    def agreement(row: dict[str, Any]) -> int:
        known = {
            str(row.get(field, "")).casefold()
            for field in ("country", "country_code", "admin1", "admin2", "admin3")
        }
        return sum(
            any(word == k or (len(word) > 3 and word in k) for k in known) for word in wanted
        )

    try:
        best = max(rows, key=agreement)  # the first of equals: Open-Meteo puts the largest first
        label = [best["name"], best.get("admin1"), best.get("country")]
        told = ", ".join(dict.fromkeys(_plain(part) for part in label if part))
        return Spot(told, float(best["latitude"]), float(best["longitude"]))
    except (ValueError, KeyError, TypeError):
        raise ToolError(f"No place named {location[:100]!r} was found; try a larger one.") from None


async def _asked(url: str, params: dict[str, Any]) -> dict[str, Any]:
    from tools.web.service import ask_json

    status, body = await ask_json("Open-Meteo", url, params)
    if isinstance(body, dict) and body.get("error"):
        raise ToolError(f"Open-Meteo: {_plain(body.get('reason'), 200)}")
    if status != 200 or not isinstance(body, dict):
        raise ToolError(f"Open-Meteo failed with status {status}; try again later.")
    return body


def _told(spot: Spot, body: dict[str, Any]) -> str:
    now, daily = body["current"], body["daily"]
    degrees = _plain(body["current_units"]["temperature_2m"], 4)
    speed = _plain(body["current_units"]["wind_speed_10m"], 6)
    lines = [
        f"{spot.name}, {_plain(now['time'], 16).replace('T', ' ')} ({_plain(body['timezone'])}): "
        f"{_number(now['temperature_2m'])} {degrees}, {_sky(now['weather_code'])}, "
        f"feels like {_number(now['apparent_temperature'])} {degrees}, "
        f"humidity {_number(now['relative_humidity_2m'])} %, "
        f"wind {_number(now['wind_speed_10m'])} {speed}."
    ]
    for day, code, low, high, rain in zip(
        daily["time"],
        daily["weather_code"],
        daily["temperature_2m_min"],
        daily["temperature_2m_max"],
        daily["precipitation_probability_max"],
        strict=True,
    ):
        wet = "" if rain is None else f", rain {_number(rain)} %"
        lines.append(
            f"{_plain(day, 10)}: {_number(low)} to {_number(high)} {degrees}, {_sky(code)}{wet}."
        )
    return "\n".join([*lines, "Source: Open-Meteo.com"])


def _sky(code: Any) -> str:
    return SKIES.get(int(code), "unknown sky")


def _number(value: Any) -> str:
    return f"{float(value):g}"


def _plain(value: Any, most: int = 80) -> str:
    """One short line: names of places are written by volunteers."""
    return " ".join("".join(c for c in str(value or "") if c.isprintable()).split())[:most]
