"""The agent: everything of Aftershock that runs inside the user's interpreter.

Its charter: it is loaded alone, by path, into the project's environment, so it imports the standard
library and pytest (and coverage, where recording needs it), never the server.  It is the only part that
runs user code.  It never writes to stdout or stdin; it speaks over a socketpair of its own.
"""
