"""Reachability in a directed graph, for all nodes at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Reachability:
    """What each node of a graph reaches; edges to what isn't a node are left out.

    Strongly connected components come out targets first (Tarjan's algorithm, iterative, since import chains
    outgrow the stack), so that what each reaches is a union of finished ones, as bits of an int.
    """

    def __init__(self, edges: Mapping[str, Iterable[str]]) -> None:
        self._names = sorted(edges)
        self._number = number = {name: i for i, name in enumerate(self._names)}
        targets = [[number[t] for t in edges[name] if t in number] for name in self._names]
        self._bits = bits = [0] * len(targets)
        self._decoded: dict[int, frozenset[str]] = {}
        for component in _components(targets):
            union = sum(1 << node for node in component)
            for target in {target for node in component for target in targets[node]}:
                union |= bits[target]
            for node in component:
                bits[node] = union

    def of(self, names: Iterable[str]) -> frozenset[str]:
        """All that any of these nodes reaches, themselves included; names that aren't nodes reach nothing."""
        union = 0
        for name in names:
            if name in self._number:
                union |= self._bits[self._number[name]]
        if union not in self._decoded:
            self._decoded[union] = frozenset(self._names[i] for i in _ones(union))
        return self._decoded[union]


def _ones(value: int) -> list[int]:
    """The positions of a number's bits that are set."""
    return [i for i, bit in enumerate(reversed(bin(value)[2:])) if bit == "1"]


def _components(targets: list[list[int]]) -> list[list[int]]:
    """The strongly connected components, each after all those that it reaches."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    open_nodes: list[int] = []
    is_open = [False] * len(targets)
    components: list[list[int]] = []
    for root in range(len(targets)):
        if root in order:
            continue
        path = [(root, iter(targets[root]))]
        order[root] = low[root] = len(order)
        open_nodes.append(root)
        is_open[root] = True
        while path:
            node, rest = path[-1]
            for target in rest:
                if target not in order:
                    order[target] = low[target] = len(order)
                    open_nodes.append(target)
                    is_open[target] = True
                    path.append((target, iter(targets[target])))
                    break
                if is_open[target]:
                    low[node] = min(low[node], order[target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == order[node]:
                    start = open_nodes.index(node)
                    components.append(open_nodes[start:])
                    for member in components[-1]:
                        is_open[member] = False
                    del open_nodes[start:]
    return components
