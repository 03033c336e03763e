"""Files that can't be imported any more: who would see that runs, and nobody else."""

from __future__ import annotations

from support.cold import cold_outcomes
from support.engine import opened
from support.project import Project

_LOADING = """
    import importlib

    def load(name): return importlib.import_module(name)
    def plain(): return 1
    """


async def test_what_only_an_uncollectable_file_imports_concerns_who_may_load_it(project: Project) -> None:
    project.write(
        {
            "lib.py": "LIMIT = 1\n",
            "loading.py": _LOADING,
            "helpers.py": "import lib\n\nSCALE = lib.LIMIT * 2\n",
            "test_broken.py": """
                import lib
                assert lib.LIMIT < 5
                import helpers

                def test_scale(): assert helpers.SCALE < 5
                """,
            "test_other.py": """
                import loading

                def test_plain(): assert loading.plain() == 1
                def test_loads(): assert loading.load("helpers").SCALE == 2

                def test_lazy():
                    import helpers
                    assert helpers
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "LIMIT = 1", "LIMIT = 9")
        assert story.ran() == ["test_lazy", "test_loads", "test_scale"]
        assert story.outcomes() == cold_outcomes(project) | {"test_scale": "errored"}
        await story.save("lib.py", "LIMIT = 9", "LIMIT = 2")
        assert story.ran() == ["test_loads", "test_scale"]
        assert story.outcomes() == cold_outcomes(project)


async def test_a_file_that_fails_to_import_concerns_who_would_import_it(project: Project) -> None:
    project.write(
        {
            "lib.py": "LIMIT = 1\n\nclass Base: pass\n",
            "loading.py": _LOADING,
            "helpers.py": "import lib\n\nassert lib.LIMIT < 5\n\nclass Derived(lib.Base): pass\n",
            "test_helpers.py": "import helpers\n\ndef test_derived(): assert helpers.Derived()\n",
            "test_other.py": """
                import lib
                import loading

                def test_plain(): assert loading.plain() == 1
                def test_derived_from(): assert len(lib.Base.__subclasses__()) == 1

                def test_importable():
                    try:
                        import helpers
                    except AssertionError:
                        helpers = None
                    assert helpers
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "LIMIT = 1", "LIMIT = 9")
        assert story.ran() == ["test_derived", "test_derived_from", "test_importable"]
        assert story.outcomes() == cold_outcomes(project) | {"test_derived": "errored"}
        await story.save("lib.py", "LIMIT = 9", "LIMIT = 2")
        assert story.outcomes() == cold_outcomes(project)


async def test_what_an_import_did_before_it_failed_concerns_who_sees_it(project: Project) -> None:
    project.write(
        {
            "lib.py": "LIMIT = 1\nKINDS = []\n",
            "loading.py": _LOADING,
            "helpers.py": """
                import lib

                lib.KINDS.append("first")
                assert lib.LIMIT < 5
                lib.KINDS.append("second")
                """,
            "test_helpers.py": "import helpers\n\ndef test_helpers(): assert helpers\n",
            "test_other.py": """
                import lib
                import loading

                def test_plain(): assert loading.plain() == 1
                def test_kinds(): assert lib.KINDS == ["first", "second"]
                """,
        }
    )
    async with opened(project) as story:
        await story.save("lib.py", "LIMIT = 1", "LIMIT = 9")
        assert "test_kinds" in story.ran()
        assert story.outcomes() == cold_outcomes(project) | {"test_helpers": "errored"}
        await story.save("lib.py", "LIMIT = 9", "LIMIT = 2")
        assert story.outcomes() == cold_outcomes(project)


async def test_an_import_that_fails_and_is_caught_leaves_verdicts_that_hold(project: Project) -> None:
    project.write(
        {
            "lib.py": "LIMIT = 9\n",
            "helpers.py": "import lib\n\nassert lib.LIMIT < 5\n\nLEVEL = 1\n",
            "app.py": """
                try:
                    import helpers
                except AssertionError:
                    helpers = None

                def has(): return helpers is not None
                def plain(): return 1
                """,
            "test_app.py": """
                import app

                def test_has(): assert app.has()
                def test_plain(): assert app.plain()

                def test_level(monkeypatch):
                    import lib
                    monkeypatch.setattr(lib, "LIMIT", 1)
                    import helpers
                    assert helpers.LEVEL == 1
                """,
        }
    )
    async with opened(project) as story:
        for path, before, after in (
            ("lib.py", "9", "8"),
            ("app.py", "return 1", "return 2"),
            ("helpers.py", "LEVEL = 1", "LEVEL = 2"),
            ("lib.py", "8", "2"),
        ):
            await story.save(path, before, after)
            assert story.outcomes() == cold_outcomes(project)
