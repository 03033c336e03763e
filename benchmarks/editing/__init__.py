"""Seeded random edits of Python sources, in every kind that a warm interpreter can get wrong."""
