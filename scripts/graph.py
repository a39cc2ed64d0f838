"""Draws a graph that a page has in Mermaid's notation (`graph TD`, then lines `a --> b`) as SVG, for a site without JavaScript.

Nodes stand in floors: each above all that its arrows lead to, as low as that allows. An arrow over several floors passes each of them at a
point of its own, so that it runs beside the nodes there and not behind them (Sugiyama, Tagawa and Toda 1981).
"""

import html
import re

FLOOR, HEIGHT, LETTER, GAP = 62, 26, 7.4, 14


def edges_of(text: str) -> list[tuple[str, str]]:
    """The arrows of a Mermaid graph, in the order in which they are written."""
    return [(found[1], found[2]) for line in text.splitlines() if (found := re.match(r"\s*(\S+) --> (\S+)\s*$", line))]


def floors_of(edges: list[tuple[str, str]]) -> dict[str, int]:
    """The floor of each node, 0 for those without arrows of their own."""
    below: dict[str, list[str]] = {}
    for upper, lower in edges:
        below.setdefault(upper, []).append(lower)
        below.setdefault(lower, [])
    floors: dict[str, int] = {}

    def floor(node: str) -> int:
        if node not in floors:
            floors[node] = max((floor(other) + 1 for other in below[node]), default=0)
        return floors[node]

    for node in below:
        floor(node)
    return floors


class Layout:
    """Where nodes and the points of long arrows stand."""

    def __init__(self, edges: list[tuple[str, str]]):
        self.floors = floors_of(edges)
        self.width = {node: len(node) * LETTER + 20 for node in self.floors}
        self.ways: list[list[str]] = []
        self.neighbours: dict[str, list[str]] = {}
        for upper, lower in edges:
            way = [upper]
            for floor in range(self.floors[upper] - 1, self.floors[lower], -1):
                point = f"{upper} {lower} {floor}"
                self.floors[point], self.width[point] = floor, 6
                way.append(point)
            way.append(lower)
            self.ways.append(way)
            for one, other in zip(way, way[1:]):
                self.neighbours.setdefault(one, []).append(other)
                self.neighbours.setdefault(other, []).append(one)
        self.rows = [[node for node in self.floors if self.floors[node] == floor] for floor in range(max(self.floors.values()) + 1)]
        self.x = {node: float(place * 40) for row in self.rows for place, node in enumerate(row)}
        # By turns from below and from above, each node moves to the middle of those it is tied to on the floor before.
        for turn in range(60):
            upwards = turn % 2 == 0
            for row in self.rows if upwards else reversed(self.rows):
                self.settle(row, -1 if upwards else 1, sort=turn < 40)
        least = min(self.x[node] - self.width[node] / 2 for node in self.x)
        self.x = {node: x - least + GAP for node, x in self.x.items()}

    def settle(self, row: list[str], side: int, sort: bool) -> None:
        """Moves the nodes of a floor to the middle of their neighbours on the floor at that side, and apart where they would touch."""

        def wish(node: str) -> float:
            near = [self.x[other] for other in self.neighbours[node] if self.floors[other] == self.floors[node] + side]
            return sum(near) / len(near) if near else self.x[node]

        wishes = {node: wish(node) for node in row}
        if sort:
            row.sort(key=lambda node: wishes[node])
        # Groups of nodes that touch; each stands where its nodes are nearest to what they wish, in the mean.
        groups: list[tuple[list[str], float]] = []
        for node in row:
            nodes, left = [node], wishes[node] - self.width[node] / 2
            while groups and groups[-1][1] + self.length(groups[-1][0]) > left:
                nodes = groups.pop()[0] + nodes
                offset, total = 0.0, 0.0
                for member in nodes:
                    total += wishes[member] - offset - self.width[member] / 2
                    offset += self.width[member] + GAP
                left = total / len(nodes)
            groups.append((nodes, left))
        for nodes, left in groups:
            for member in nodes:
                self.x[member] = left + self.width[member] / 2
                left += self.width[member] + GAP

    def length(self, nodes: list[str]) -> float:
        return sum(self.width[node] + GAP for node in nodes)

    def y(self, node: str) -> float:
        return (len(self.rows) - 1 - self.floors[node]) * FLOOR + GAP


def svg(text: str) -> str:
    """The drawing of a Mermaid graph."""
    layout = Layout(edges_of(text))
    width = max(layout.x[node] + layout.width[node] / 2 for node in layout.x) + GAP
    height = len(layout.rows) * FLOOR
    lines = [
        f'<svg class="graph" viewBox="0 0 {width:.0f} {height}" style="max-width: {width:.0f}px" role="img" xmlns="http://www.w3.org/2000/svg">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ]
    for way in layout.ways:
        x, y = layout.x[way[0]], layout.y(way[0]) + HEIGHT
        path = f"M{x:.1f} {y:.1f}"
        for node in way[1:]:
            to, top = layout.x[node], layout.y(node)
            # Vertical at both ends; the point of a long arrow is a straight piece as high as a node.
            path += f"C{x:.1f} {y + 16:.1f} {to:.1f} {top - 16:.1f} {to:.1f} {top:.1f}"
            x, y = to, top + HEIGHT
            path += f"V{y:.1f}" if node != way[-1] else ""
        lines.append(f'<path class="arrow" d="{path}" marker-end="url(#tip)"/>')
    for node in (node for row in layout.rows for node in row if " " not in node):
        x, y = layout.x[node], layout.y(node)
        lines.append(f'<rect x="{x - layout.width[node] / 2:.1f}" y="{y}" width="{layout.width[node]:.1f}" height="{HEIGHT}" rx="4"/>')
        lines.append(f'<text x="{x:.1f}" y="{y + 17.5}">{html.escape(node)}</text>')
    return "\n".join([*lines, "</svg>"])
