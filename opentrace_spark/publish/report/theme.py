"""How all charts look, light and dark: settings of Vega-Lite, no colours elsewhere."""

from __future__ import annotations

from typing import Any

FONT = "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', Helvetica, Arial, sans-serif"
_SIZE = 12

# Okabe and Ito's colours, told apart with any colour vision; the last two are added greys.
_CATEGORIES = {
    "light": ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#555555"],
    "dark": ["#56b4e9", "#ff9b4a", "#2fcf9f", "#e59bc5", "#f0e442", "#9ecbff", "#bbbbbb"],
}
_INK = {"light": "#1b1f24", "dark": "#e8eaed"}
_MUTED = {"light": "#5b636d", "dark": "#a9b1bb"}
_LINE = {"light": "#d5d9de", "dark": "#3b424b"}
_PAPER = {"light": "#ffffff", "dark": "#16191d"}
_BAND = {"light": "#eef1f4", "dark": "#22272d"}
_GAP = {"light": "#c3c9d0", "dark": "#4c545e"}
_RAMP = {"light": ["#d3e3f2", "#08306b"], "dark": ["#1f3347", "#bfe0ff"]}
_NOWHERE = {"light": "#f1f1f1", "dark": "#23272c"}


def theme(mode: str) -> dict[str, Any]:
    """Vega-Lite's `config` for `light` or `dark`."""
    ink, muted, line, paper = (part[mode] for part in (_INK, _MUTED, _LINE, _PAPER))
    first = _CATEGORIES[mode][0]
    return {
        "background": paper,
        "font": FONT,
        "aria": False,  # the page and the files name each picture as a whole
        "view": {"stroke": None},
        "axis": {
            "labelColor": ink,
            "titleColor": ink,
            "titleFontWeight": "normal",
            "labelFontSize": _SIZE,
            "titleFontSize": _SIZE,
            "gridColor": line,
            "domainColor": muted,
            "tickColor": muted,
            "labelLimit": 240,
        },
        "legend": {
            "orient": "bottom",
            "labelColor": ink,
            "titleColor": ink,
            "titleFontWeight": "normal",
            "labelFontSize": _SIZE,
            "titleFontSize": _SIZE,
            "labelLimit": 260,
            "symbolStrokeWidth": 2,
            "columns": 4,
        },
        "title": {
            "color": ink,
            "subtitleColor": muted,
            "anchor": "start",
            "fontSize": _SIZE + 3,
            "subtitleFontSize": _SIZE,
            "frame": "group",
        },
        "range": {"category": _CATEGORIES[mode], "heatmap": _RAMP[mode], "ramp": _RAMP[mode]},
        "mark": {"color": first},
        "text": {"color": ink},
        "line": {"strokeWidth": 2},
        "geoshape": {"fill": _NOWHERE[mode], "stroke": muted, "strokeWidth": 0.4},
        "style": {
            "label": {"color": ink, "fontSize": _SIZE, "font": FONT},
            "note": {"color": muted, "fontSize": _SIZE - 1, "font": FONT},
            "halo": {"color": ink, "stroke": paper, "strokeWidth": 3, "fontSize": _SIZE},
            "edge": {"stroke": paper, "strokeWidth": 0.7},
            "rule": {"color": muted},
            "band": {"color": _BAND[mode]},
            "gap": {"color": _GAP[mode], "opacity": 0.85},
            "sign": {"color": ink, "stroke": paper, "strokeWidth": 0.5},
            "rest": {"color": _GAP[mode]},
        },
    }
