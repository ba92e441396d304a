"""The page's own line icons, drawn on a 24 by 24 grid, inlined so that nothing is fetched for them."""

_SHAPES = {
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "fleeting": '<circle cx="12" cy="12" r="8.5" stroke-dasharray="3.4 3.2"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h10"/>',
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "copy": '<rect x="9" y="9" width="11" height="11" rx="2.5"/><path d="M15 9V6.5A2.5 2.5 0 0 0 '
    '12.5 4h-6A2.5 2.5 0 0 0 4 6.5v6A2.5 2.5 0 0 0 6.5 15H9"/>',
    "retry": '<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.3"/><path d="M20 4.5v4.8h-4.8"/>',
    "go-on": '<path d="M4.5 6v12l7.5-6zM12.5 6v12l7.5-6z"/>',
    "like": '<path d="M7.5 10.5v9M4 10.5h3.5l4-6.5a2 2 0 0 1 2.6 2.4L13.2 9.5H18a2 2 0 0 1 2 2.4l-1.2 6a2 2 '
    '0 0 1-2 1.6H4z"/>',
    "dislike": '<path d="M16.5 13.5v-9M20 13.5h-3.5l-4 6.5a2 2 0 0 1-2.6-2.4l.9-3.1H6a2 2 0 0 1-2-2.4l1.2-6'
    'a2 2 0 0 1 2-1.6H20z"/>',
    "branch": '<circle cx="6.5" cy="5.5" r="2"/><circle cx="6.5" cy="18.5" r="2"/><circle cx="17.5" cy="8.5" '
    'r="2"/><path d="M6.5 7.5v9M17.5 10.5c0 4-11 2-11 6"/>',
    "edit": '<path d="M4.5 19.5 5.6 15 15.8 4.8a2.1 2.1 0 0 1 3 0l.4.4a2.1 2.1 0 0 1 0 3L9 18.4z"/>',
    "trash": '<path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.3 11v5M13.7 11v5"/>',
    "image": '<rect x="3.5" y="4.5" width="17" height="15" rx="3"/><circle cx="9" cy="10" r="1.6"/>'
    '<path d="m4.5 17.5 5-4.5 3.2 2.8 3.3-3.3 4 4"/>',
    "camera": '<path d="M4.5 7.5h3.2L9.3 5h5.4l1.6 2.5h3.2A1.5 1.5 0 0 1 21 9v9a1.5 1.5 0 0 1-1.5 1.5h-15'
    'A1.5 1.5 0 0 1 3 18V9a1.5 1.5 0 0 1 1.5-1.5z"/><circle cx="12" cy="13.2" r="3.6"/>',
    "mic": '<rect x="9" y="3.5" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 '
    '18v2.5"/>',
    "call": '<path d="M4 10v4M8 6.5v11M12 9v6M16 4.5v15M20 10v4"/>',
    "hang-up": '<path d="M3.5 14.5c0-5 17-5 17 0l-.4 1.6a1.3 1.3 0 0 1-1.6.9l-3-.8a1.3 1.3 0 0 1-1-1.2v-1.7'
    'a12 12 0 0 0-5 0V15a1.3 1.3 0 0 1-1 1.2l-3 .8a1.3 1.3 0 0 1-1.6-.9z"/>',
    "clip": '<path d="m19.5 11.3-7.7 7.8a4.7 4.7 0 0 1-6.7-6.7l8-8a3.2 3.2 0 0 1 4.5 4.5l-8 8a1.6 1.6 0 0 '
    '1-2.3-2.3l7.2-7.1"/>',
    "up": '<path d="M12 19V5M6 11l6-6 6 6"/>',
    "down": '<path d="M12 5v14M6 13l6 6 6-6"/>',
    "stop": '<rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" stroke="none"/>',
    "play": '<path d="M8 5.5v13l10.5-6.5z" fill="currentColor" stroke-linejoin="round"/>',
    "pause": '<path d="M8.5 6v12M15.5 6v12" stroke-width="2.6"/>',
    "tool": '<path d="M14.6 6.4a4.3 4.3 0 0 1 5-1.3l-2.8 2.8.4 1.9 1.9.4 2.6-2.6a4.4 4.4 0 0 1-6.2 '
    '5L8.6 19.5a2.2 2.2 0 0 1-3.1-3.1l6.9-6.9a4.4 4.4 0 0 1 2.2-3.1z" transform="translate(-1 .3)"/>',
    "thought": '<path d="M12 3.5a6 6 0 0 0-3.4 10.9c.6.4.9 1 .9 1.7V17h5v-.9c0-.7.3-1.3.9-1.7A6 6 0 '
    '0 0 12 3.5zM10 20.5h4"/>',
    "memory": '<path d="M6 4.5h12v15l-6-4.2-6 4.2z"/>',
    "quote": '<path d="M5 5.5h14a1.5 1.5 0 0 1 1.5 1.5v8.5A1.5 1.5 0 0 1 19 17h-7l-4.5 3.5V17H5a1.5 1.5 0 0 '
    '1-1.5-1.5V7A1.5 1.5 0 0 1 5 5.5z"/>',
    "pin": '<path d="M9 4h6l-.8 6 3.3 3.2V15h-11v-1.8L9.8 10zM12 15v5.5"/>',
    "page": '<path d="M6.5 3.5h7l4.5 4.5v12.5h-11.5zM13.5 3.5V8H18M9.5 12.5h5M9.5 16h5"/>',
    "search": '<circle cx="10.8" cy="10.8" r="6.3"/><path d="m15.5 15.5 5 5"/>',
    "fold": '<path d="M5 4.5h14M5 19.5h14M9 8.5l3 2.7 3-2.7M9 15.5l3-2.7 3 2.7"/>',
    "alert": '<path d="M12 4 2.8 19.5h18.4zM12 10v4.2M12 17v.2"/>',
    "sun": '<circle cx="12" cy="12" r="3.8"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l'
    '1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4"/>',
    "moon": '<path d="M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z"/>',
    "chevron": '<path d="m9 6 6 6-6 6"/>',
    "sound": '<path d="M4 10v4h3.5L12 18V6L7.5 10zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11"/>',
    "plug": '<path d="M9 3.5V8M15 3.5V8M6 8h12v3.5a6 6 0 0 1-12 0zM12 17.5v3"/>',
    "key": '<circle cx="8" cy="15.5" r="4"/><path d="m11 12.5 8.5-8.5M16 7.5l3 3M13.5 10l2 2"/>',
    "link": '<path d="M10 14 20 4M13.5 4H20v6.5M17 13.5V18a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V9a2 2 0 0 1 '
    '2-2h4.5"/>',
    "dots": '<g fill="currentColor" stroke="none"><circle cx="5.5" cy="12" r="1.6"/><circle cx="12" '
    'cy="12" r="1.6"/><circle cx="18.5" cy="12" r="1.6"/></g>',
    "folder": '<path d="M3.5 6.5A1.5 1.5 0 0 1 5 5h4.2l2 2.3H19a1.5 1.5 0 0 1 1.5 1.5v8.7A1.5 1.5 0 0 1 '
    '19 19H5a1.5 1.5 0 0 1-1.5-1.5z"/>',
    "ghost": '<path d="M5.5 20v-9.5a6.5 6.5 0 0 1 13 0V20l-2.2-1.7-2.1 1.7-2.2-1.7L9.8 20l-2.1-1.7z"/>'
    '<path d="M9.6 10.4v.2M14.4 10.4v.2" stroke-width="2.4"/>',
    "gear": '<circle cx="12" cy="12" r="3.1"/><path d="M12 3.2v2.6M12 18.2v2.6M3.2 12h2.6M18.2 12h2.6'
    'M5.8 5.8l1.8 1.8M16.4 16.4l1.8 1.8M5.8 18.2l1.8-1.8M16.4 7.6l1.8-1.8"/>',
    "sliders": '<path d="M4 7.5h9M17 7.5h3M4 16.5h3M11 16.5h9"/><circle cx="15" cy="7.5" r="2.1"/>'
    '<circle cx="9" cy="16.5" r="2.1"/>',
    "gauge": '<path d="M5 18.5a9 9 0 1 1 14 0"/><path d="m12 14 4-5"/>',
    "shield": '<path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.6 7 9 4.1-1.4 7-4.7 7-9V6z"/>',
    "keyboard": '<rect x="3" y="6.5" width="18" height="11" rx="2.5"/><path d="M7 10h.1M10.3 10h.1M13.7 10h'
    '.1M17 10h.1M8.5 14h7"/>',
    "mark": '<path d="M4 5.5h11a4.5 4.5 0 0 1 0 9H9.2L5.6 18v-3.8" /><path d="M9 9h6"/>',
}


def icon(name: str) -> str:
    """The icon as an inline SVG that takes the colour and the size of the text around it."""
    return (
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        f"{_SHAPES[name]}</svg>"
    )


def all_icons() -> dict[str, str]:
    """Every icon by name, for the scripts of the page."""
    return {name: icon(name) for name in _SHAPES}
