"""What time it is, anywhere."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tools.router import ToolError, tool


def zone_named(zone: str) -> ZoneInfo:
    """Raises ToolError for what is no IANA zone (a path or an empty name included)."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ToolError(f"Unknown zone {zone!r}; use a name such as Europe/Paris.") from None


@tool
async def clock(zone: str = "UTC") -> str:
    """Current local date, weekday and time for an IANA time zone such as Europe/Paris or UTC."""
    now = datetime.now(zone_named(zone))
    return f"{now:%A} {now.isoformat(timespec='seconds')} ({zone})"
