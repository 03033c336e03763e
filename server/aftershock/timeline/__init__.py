"""The picture of a run: which worker ran what, when, and how long each phase took.  Values in, a page of HTML out."""
