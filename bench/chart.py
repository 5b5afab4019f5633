"""Draws how much memory a prompt takes, by its size, as an SVG; memory.py measures it, report.py asks for it."""

import math

COLOURS = {
    "exochat, command": "#0b7a3b",
    "exochat, library": "#35b36a",
    "exochat, Python, a file": "#1f5fbf",
    "exochat, Python, a str": "#6fa8ff",
    "curl, command": "#d4a017",
    "raw sockets and yyjson": "#8c7853",
    "libcurl and yyjson": "#b8860b",
    "Python original, a file": "#7d3cb5",
    "Python original, a str": "#b98be0",
    "aiohttp, JSON by hand": "#008b8b",
    "openai (npm)": "#e67e22",
    "openai (Python)": "#c0392b",
    "litellm": "#555555",
}
SIZES = {10**3: "1 KB", 10**4: "10 KB", 10**5: "100 KB", 10**6: "1 MB", 10**7: "10 MB", 10**8: "100 MB", 10**9: "1 GB"}
MARKS = [1 << power for power in range(14)]  # MB
WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 620, 40, 400  # of the plot


def place(size, memory):
    x = LEFT + (RIGHT - LEFT) * (math.log10(size) - 3) / 6
    low, high = math.log10(MARKS[0]), math.log10(MARKS[-1])
    return x, BOTTOM - (BOTTOM - TOP) * (math.log10(memory) - low) / (high - low)


def text(x, y, said, anchor="start", **more):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{said}</text>'


def apart(ends):
    """Names beside the ends of their lines, none over another: {name: y}."""
    placed, last = {}, -100.0
    for y, name in sorted(ends):
        last = max(y, last + 17)
        placed[name] = last
    over = max(0.0, last - HEIGHT + 30)
    return {name: y - over for name, y in placed.items()} if over else placed


def drawn(found):
    """The SVG of {client: {bytes of the prompt: MB}}."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 22, "Peak resident memory of a process that sends one prompt", font_size=15, font_weight="bold"),
        text((LEFT + RIGHT) / 2, HEIGHT - 18, "size of the prompt", "middle"),
    ]
    for memory in MARKS:
        _, y = place(1000, memory)
        lines.append(f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#ddd"/>')
        lines.append(text(LEFT - 8, y + 4, f"{memory} MB" if memory < 1024 else f"{memory // 1024} GB", "end"))
    for size, said in SIZES.items():
        x, _ = place(size, MARKS[0])
        lines.append(f'<path d="M{x:.1f} {TOP}V{BOTTOM}" stroke="#eee"/>')
        lines.append(text(x, BOTTOM + 20, said, "middle"))
    ends = [(place(max(points), points[max(points)])[1], name) for name, points in found.items() if points]
    beside = apart(ends)
    for name, measured in found.items():
        colour = COLOURS.get(name, "#000")
        points = [place(size, memory) for size, memory in sorted(measured.items())]
        shown = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        lines.append(f'<path d="M{x + 4:.1f} {y:.1f}L{RIGHT + 14} {beside[name]:.1f}" stroke="{colour}" stroke-width="0.6"/>')
        lines.append(text(RIGHT + 18, beside[name] + 4, name, fill=colour))
    return "\n".join([*lines, "</svg>", ""])
