"""Gradio's own colours and type, set to those of tokens.css, with fonts that every system has."""

from gradio.themes import Base
from gradio.themes.utils import colors, fonts, sizes

LIGHT, DARK = "#fbfaf7", "#15181a"

_ACCENT = colors.Color(
    name="verdigris",
    c50="#eef7f5",
    c100="#d8ece8",
    c200="#b3dad3",
    c300="#84c2b8",
    c400="#53a398",
    c500="#2f877c",
    c600="#1c6e65",
    c700="#165a53",
    c800="#134843",
    c900="#103b37",
    c950="#082522",
)
_INK = colors.Color(
    name="ink",
    c50="#fbfaf7",
    c100="#f3f1ec",
    c200="#e6e3db",
    c300="#d2cec4",
    c400="#a3a099",
    c500="#77766f",
    c600="#585953",
    c700="#3d403e",
    c800="#24292b",
    c900="#1b1f21",
    c950="#15181a",
)
_SANS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Arial",
    "sans-serif",
)
_MONO = ("ui-monospace", "SF Mono", "Cascadia Code", "Menlo", "Consolas", "monospace")


class ParleyTheme(Base):
    def __init__(self) -> None:
        super().__init__(
            primary_hue=_ACCENT,
            secondary_hue=_ACCENT,
            neutral_hue=_INK,
            text_size=sizes.text_md,
            radius_size=sizes.radius_lg,
            font=tuple(fonts.Font(name) for name in _SANS),
            font_mono=tuple(fonts.Font(name) for name in _MONO),
        )
        self.name = "parley"
        self.set(
            body_background_fill=LIGHT,
            body_background_fill_dark=DARK,
            body_text_color="#1f2423",
            body_text_color_dark="#e7e6e1",
            background_fill_primary=LIGHT,
            background_fill_primary_dark=DARK,
            block_background_fill="transparent",
            block_background_fill_dark="transparent",
            block_border_width="0px",
            block_border_width_dark="0px",
            block_shadow="none",
            block_shadow_dark="none",
            input_background_fill="transparent",
            input_background_fill_dark="transparent",
            input_border_width="0px",
            input_border_width_dark="0px",
            input_shadow_focus="none",
            input_shadow_focus_dark="none",
        )
