"""Worker logs: an unlinked file that a worker's stdout and stderr go to, bounded in size, read for its last words."""

from __future__ import annotations

import fcntl
import os
import tempfile

__all__ = ["WorkerLog"]

_TAIL_BYTES = 2048
_LONGEST_BYTES = 1 << 20


class WorkerLog:
    """The file has no name, so nothing is left of it whoever dies; writers append, so it can be emptied under them."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        fcntl.fcntl(self.fileno(), fcntl.F_SETFL, fcntl.fcntl(self.fileno(), fcntl.F_GETFL) | os.O_APPEND)

    def fileno(self) -> int:
        """The descriptor, for the child."""
        return self._file.fileno()

    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self.fileno()).st_size

    def tail(self) -> str:
        """The last 2 kB, as text."""
        start = max(0, self.size() - _TAIL_BYTES)
        return os.pread(self.fileno(), _TAIL_BYTES, start).decode(errors="replace")

    def trim(self) -> None:
        """Empty the file where it has grown past 1 MiB, so that an env that chats for days does not fill the disk."""
        if self.size() > _LONGEST_BYTES:
            os.ftruncate(self.fileno(), 0)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
