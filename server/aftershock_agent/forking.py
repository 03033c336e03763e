"""Whether runs can be forks of the session, or must happen in the session's own process.

A fork has none of the other threads: what they held locked stays locked in it for ever (POSIX, fork).  Python knows its
own threads.  Of threads that libraries run below Python some are made to survive a fork, as OpenBLAS's are; where the
library's own words say that they aren't, the library stands in ``_UNSAFE``.
"""

from __future__ import annotations

import sys
import threading

from aftershock_agent import processes

_UNSAFE = {
    "grpc": "grpc does not support fork once it is in use",
    "jax": "JAX is multithreaded and may deadlock in a fork",
    "polars": "polars is multithreaded and may deadlock in a fork",
    "tensorflow": "TensorFlow is multithreaded and may hang in a fork",
}
"""Modules known not to survive a fork; being imported is enough, as nothing tells whether they are in use.

Sources: grpc/grpc, doc/fork_support.md; jax-ml/jax, pull request 18989 (its warning at a fork); Polars' user guide,
"Multiprocessing"; tensorflow/tensorflow, issues 2448 and 8220.
"""

_CUDA = "CUDA can't be used in a fork of a process that uses it"  # PyTorch, notes/multiprocessing


def why_in_process(isolation: str) -> str:
    """Why runs must happen in this process, in words that follow "because"; empty when they can be forks.

    ``isolation`` is the setting: ``auto``, ``snapshot`` (fork whatever the risk) or ``inProcess``.
    """
    if isolation == "inProcess":
        return "the setting aftershock.isolation says so"
    if not processes.CAN_FORK:
        return "this system can't fork processes"
    return "" if isolation == "snapshot" else _threads() or _libraries()


def _threads() -> str:
    others = sorted(thread.name for thread in threading.enumerate() if thread is not threading.main_thread())
    if not others:
        return ""
    return f"importing the project started threads that a fork would lack ({', '.join(others)})"


def _libraries() -> str:
    torch = sys.modules.get("torch.cuda")
    if torch is not None and getattr(torch, "is_initialized", bool)():
        return _CUDA
    return next((why for name, why in _UNSAFE.items() if name in sys.modules), "")
