# SPDX-License-Identifier: Apache-2.0
"""Line plots as SVG, in plain text: no library draws anything here."""

import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 460, 300      # of a panel
N_COLUMNS = 2
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 34, 44  # what the axes and the title take of it
LEGEND = 30
# Told apart also by those who see few colours (Okabe and Ito, "Color Universal Design").
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: float
    lowest: float
    highest: float


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    x_label: str
    y_label: str
    is_log: bool   # doublings of x are equally far apart; each x is then more than 0
    series: dict   # name -> [Point], by x


def svg(panels):
    """Panels in rows, one legend above them."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    n_rows = math.ceil(len(panels) / N_COLUMNS)
    width, height = WIDTH * N_COLUMNS, LEGEND + HEIGHT * n_rows
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>', legend(colours)]
    for i, panel in enumerate(panels):
        x, y = WIDTH * (i % N_COLUMNS), LEGEND + HEIGHT * (i // N_COLUMNS)
        parts += [f'<g transform="translate({x} {y})">', *panel_parts(panel, colours), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def legend(colours):
    x, parts = LEFT, []
    for name, colour in colours.items():
        parts.append(f'<path d="M{x} 18h24" stroke="{colour}" stroke-width="2.5"/>'
                     f'<text x="{x + 30}" y="22">{escape(name)}</text>')
        x += 50 + 8 * len(name)
    return "".join(parts)


def panel_parts(panel, colours):
    points = [point for series in panel.series.values() for point in series]
    xs = sorted({point.x for point in points})
    step, y_end = nice_scale(max(point.highest for point in points))
    low, high = place(xs[0], panel.is_log), place(xs[-1], panel.is_log)

    def to_x(x):
        share = (place(x, panel.is_log) - low) / (high - low) if high > low else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def to_y(y):
        return round(HEIGHT - BOTTOM - y / y_end * (HEIGHT - TOP - BOTTOM), 1)

    yield f'<text x="{LEFT}" y="18" font-weight="bold">{escape(panel.title)}</text>'
    for i in range(round(y_end / step) + 1):
        y = to_y(i * step)
        yield (f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>'
               f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{i * step:g}</text>')
    last = -math.inf
    for x in xs:
        if to_x(x) - last >= 9 * len(f"{x:g}"):  # labels must not run into each other
            last = to_x(x)
            yield f'<text x="{last}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
    yield (f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 8}" text-anchor="middle">'
           f'{escape(panel.x_label)}</text>')
    yield (f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2:g}) rotate(-90)" '
           f'text-anchor="middle">{escape(panel.y_label)}</text>')
    for name, series in panel.series.items():
        line = " ".join(f"{to_x(point.x)},{to_y(point.y)}" for point in series)
        yield (f'<polyline points="{line}" fill="none" stroke="{colours[name]}" '
               'stroke-width="2"/>')
        for point in series:
            x = to_x(point.x)
            yield (f'<path d="M{x} {to_y(point.lowest)}V{to_y(point.highest)}" '
                   f'stroke="{colours[name]}"/>'
                   f'<circle cx="{x}" cy="{to_y(point.y)}" r="3" fill="{colours[name]}">'
                   f'<title>{escape(name)}: {point.y:.4g} at {point.x:g}</title></circle>')


def place(x, is_log):
    return math.log2(x) if is_log else x


def nice_scale(highest):
    """(step, end) of an axis from 0: about five steps of 1, 2 or 5 times a power of ten."""
    rough = highest / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return step, step * math.ceil(highest / step * 0.999)
