"""Names of files, and why one cannot be used, said the same way by every reader and writer."""

from __future__ import annotations

from os import PathLike


def address(path: str | PathLike[str]) -> str:
    """A path as FFmpeg takes it: without the mark, `clip:1.mp4` would be of the protocol "clip"."""
    return f"file:{path}"


def why(error: BaseException, to: str = "read") -> str:
    """What the system said, without numbers and paths; `to` is what was tried."""
    if isinstance(error, PermissionError):
        return f"no permission to {to} it"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
