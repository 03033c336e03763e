"""Names that code makes up from pieces, however it puts them together: who asks for them runs when they change."""

from __future__ import annotations

import sys

import pytest

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_WAYS = {
    "_rate": [
        "'_' + kind",
        "f'_{kind}'",
        "'_%s' % kind",
        "'_{}'.format(kind)",
        "'_{:s}'.format(kind)",
        "'_'.__add__(kind)",
    ],
    "rate_": ["kind + '_'", "f'{kind}_'", "'%(kind)s_' % {'kind': kind}"],
    "__rate__": ["'__' + kind + '__'", "f'__{kind}__'", "f'__{kind!s}' + UNDERSCORES"],
    "get_rate": ["'get_' + kind", "f'get_{kind}'", "GET % kind", "GET.replace('%s', kind)"],
    "rate_of": ["'%s_of' % kind", "kind + '_of'", "'{0}_of'.format(kind)", "'%-4s_of' % kind"],
}
"""By the name of a member, expressions that make it up of ``kind``, which is ``rate``."""


@pytest.mark.parametrize("member", list(_WAYS))
async def test_a_made_up_name_counts_for_who_asks_for_it(project: Project, member: str) -> None:
    ways = _WAYS[member]
    asking = "\n".join(f"def ask{number}(shop, kind): return getattr(shop, {way})" for number, way in enumerate(ways))
    tests = "\n".join(
        f"def test_{number}(): assert use.ask{number}(Shop(), 'rate') == 1" for number in range(len(ways))
    )
    other = "def private(shop, name): return getattr(shop, name.replace('-', '_')) if not name.startswith('_') else 0"
    size = "def test_size(): assert use.private(Shop(), 'size') == 1"
    project.write(
        {
            "shop.py": f"class Shop:\n    {member} = 1\n    size = 1\n",
            "use.py": f"GET, UNDERSCORES = 'get_%s', '__'\n\n{asking}\n\n{other}\n",
            "test_use.py": f"import use\nfrom shop import Shop\n\n{tests}\n\n{size}\n",
        }
    )
    async with opened(project) as story:
        await story.save("shop.py", f"{member} = 1", f"{member} = 2")
        # Python may ask for names with two underscores, and a template outside of functions is anybody's.
        everybody = ["test_size"] if member in ("__rate__", "get_rate") else []
        assert story.ran() == [*(f"test_{number}" for number in range(len(ways))), *everybody]
        assert story.outcomes() == cold_outcomes(project)
        await story.save("shop.py", f"{member} = 2", f"{member} = 1")
        await story.save("shop.py", "size = 1", "size = 2")
        assert "test_size" in story.ran()
        if hasattr(sys, "monitoring"):  # before, functions that are on one line seem to run when they are imported
            assert story.ran() == ["test_size"]
