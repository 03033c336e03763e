"""What stands in the table of a module's values besides digests: the agent writes it, the server reads it.

A table has a digest for each name of the module, and by qualified name for each member of its classes.
"""

from __future__ import annotations

OPAQUE = "?"
"""Begins the digest of a value that holds something that can't be looked into; after a :data:`FUNCTION`."""
FUNCTION = ">"
"""Begins the digest of a function, as no other does: who lists members without calling any can't tell two apart."""
DOCSTRING = "__doc__"
"""``f.__doc__`` is the docstring of f, ``__doc__`` the module's."""
ATTRIBUTES = "__dict__"
"""``f.__dict__`` are the attributes of a function that has some."""
INSPECTED = "<inspected>"
"""``f.<inspected>`` are the defaults of a function, which only its own body sees, or who inspects it."""
KIND = "<kind>"
"""``f.<kind>`` tells of a generator or coroutine, which only makes something that runs later when it is called."""
ANNOTATED = "<annotated>"
"""``f.<annotated>`` are the annotations of a function that has some, which only who inspects it sees."""
GIVEN = "<given>"
"""``f.<given>`` are the names of a function imported from elsewhere, where its own module has given it others; in what
an import has changed elsewhere, those that it has given it."""
FAMILY = "<family>"
"""``C.<family>`` holds no digest but the names of the project's classes that C has members from, and of its
metaclasses, in the order in which a member is looked for."""
SEEN = "<seen>"
"""``C.<seen>`` holds the names of members that code outside the project may ask an object of C for; a star for all."""
REACHES = "<reaches>"
"""``x.<reaches>`` holds the plain names of the project's classes that one gets at from x, and those of its modules."""
MODULE = "module:"
"""Begins the name of a module among those of classes."""
UNREADABLE = "<unreadable>"
"""The only name in the table of a module that can't be digested, but for :data:`UNBOUND`."""
UNBOUND = "<unbound>"
"""A name in the table of a file that binds nothing: its import failed, or nobody has begun one."""
WRITTEN = "<written>"
"""``<written>path::x`` tells what the import has changed in what another file's name x holds."""
