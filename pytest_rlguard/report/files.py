"""Writing a report file so that a reader sees the old one or the new one, never half."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_rlguard.errors import UsageError

__all__ = ["save_text"]


def save_text(path: Path, text: str) -> None:
    """Write to a temporary name beside `path`, then take its place. UsageError where that folder takes no file."""
    # A lone surrogate, as in a file name that is no UTF-8, becomes \udcXX: in JSON that is the escape for itself.
    content = text.encode("utf-8", errors="backslashreplace")
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write {path}: {error.strerror}", advice="name a file in a folder that exists"
        ) from error
