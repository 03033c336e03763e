"""Selection: what a change affects.  Pure: values in, values out; no files, no clock, no database.

``symbols`` and ``statements`` read sources, ``imports`` connects them, ``snapshot`` is the present,
``inputs`` makes what a fact records, ``affected`` compares facts with the present, ``outline`` serves lenses.
"""
