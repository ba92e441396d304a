"""The tools that can work here: those of this folder, and those that need something to be made."""

from tools.apart.process import Apart
from tools.chart import can_draw, chart_tool
from tools.read_page import read_page_tool
from tools.router import Tool, discover
from tools.search_web import search_web_tool
from tools.weather import FORECAST_URL, GEOCODING_URL, weather_tool


def offered(
    searxng_url: str = "", geocoding_url: str = GEOCODING_URL, forecast_url: str = FORECAST_URL
) -> list[Tool]:
    """By name. `searxng_url` is empty where there is no web search; matplotlib may be left out."""
    apart = Apart()
    found = [*discover(), weather_tool(geocoding_url, forecast_url), read_page_tool(apart)]
    if searxng_url:
        found.append(search_web_tool(searxng_url))
    if can_draw():
        found.append(chart_tool(apart))
    return sorted(found, key=lambda tool: tool.name)
