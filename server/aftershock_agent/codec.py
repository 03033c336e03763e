"""Messages as lines of JSON, and back."""

from __future__ import annotations

import json
from typing import Any

from aftershock_agent import messages
from aftershock_agent.messages import CollectedTest, Failure, Frame, ImportedModule, LoadedFile, Message

_TYPES: dict[str, type] = {
    t.__name__: t
    for t in (
        *(
            messages.Compile,
            messages.Preload,
            messages.PrepareSession,
            messages.StartSession,
            messages.Collect,
            messages.Patch,
            messages.Run,
            messages.MoreTests,
            messages.DropTests,
            messages.CancelRun,
        ),
        *(
            messages.StopSession,
            messages.BaseReady,
            messages.BaseFailed,
            messages.SessionPrepared,
            messages.SessionScouted,
            messages.SessionReady,
            messages.SessionFailed,
        ),
        *(messages.Collecting, messages.CollectFailed, messages.Collected, messages.Patched),
        *(
            messages.TestStarted,
            messages.TestFinished,
            messages.TeardownExecuted,
            messages.RunIdle,
            messages.RunEnded,
            messages.SessionEnded,
            messages.InProcess,
            messages.Unfit,
            messages.Log,
        ),
        *(
            messages.MeasureCoverage,
            messages.CoverageBegun,
            messages.TestsChosen,
            messages.CoveredFile,
            messages.CoverageEnded,
        ),
    )
}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=vars)


def encode(message: Message) -> bytes:
    """The message as one line of JSON, its type under ``type``, with the newline."""
    # dataclasses.asdict would copy every list; of a test's message that is most of what it costs.
    payload = {**vars(message), "type": type(message).__name__}
    return _ENCODER.encode(payload).encode("utf-8", "surrogatepass") + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line.

    Raises ValueError for a line that isn't a message.
    """
    try:
        payload: dict[str, Any] = json.loads(line.decode("utf-8", "surrogatepass"))
        kind = _TYPES[payload.pop("type")]
        return _revive(kind, payload)  # type: ignore[no-any-return]
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a message: {line[:200]!r} ({error})") from error


def _revive(kind: type, payload: dict[str, Any]) -> Any:
    """Build ``kind`` from plain JSON values, nested dataclasses included."""
    if payload.get("failure") is not None:
        payload["failure"] = failure_from(payload["failure"])
    for name in payload.keys() & {"loaded", "read"}:
        payload[name] = [LoadedFile(**entry) for entry in payload[name]]
    if kind is messages.Run:
        payload["worker"] = messages.Worker(**payload["worker"])
    if kind is messages.Collected:
        payload["tests"] = [CollectedTest(**entry) for entry in payload["tests"]]
        payload["imports"] = [ImportedModule(**entry) for entry in payload["imports"]]
    return kind(**payload)


def failure_from(payload: dict[str, Any]) -> Failure:
    """A Failure from the JSON object that :func:`encode` made of one."""
    frames = [Frame(**frame) for frame in payload.get("frames", [])]
    return Failure(**{**payload, "frames": frames})
