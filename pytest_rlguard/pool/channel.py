"""Channels: whole messages over one socket pair per worker. The parent's end never blocks, the child's does; no lock.

On the wire a message is its length in eight bytes and then itself. One cut short by its sender's death is never seen.
"""

from __future__ import annotations

import socket
import struct
from collections import deque

__all__ = ["Channel", "receive_message", "send_message"]

_LENGTH = struct.Struct("!Q")
_NO_SIGPIPE = getattr(socket, "MSG_NOSIGNAL", 0)  # a program that has SIGPIPE at its default outlives its workers


class Channel:
    """The parent's end. Death is data here: where the other end is gone `is_open` is False, and nothing is raised."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)  # noqa: FBT003 - its only form
        self._end = end
        self._outbox: deque[memoryview] = deque()
        self._body: bytearray | None = None
        self._target = memoryview(bytearray(_LENGTH.size))
        self._filled = 0
        self.is_open = True
        self.moved_bytes = 0

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._end.fileno()

    @property
    def has_unsent(self) -> bool:
        """Whether part of a message still waits for the worker to read."""
        return self.is_open and bool(self._outbox)

    def post(self, message: bytes) -> None:
        """Send as much as the worker takes now; `flush` sends the rest."""
        self._outbox.append(memoryview(_LENGTH.pack(len(message)) + message))
        self.flush()

    def flush(self) -> None:
        """Send what the worker takes now."""
        while self.has_unsent:
            try:
                sent = self._end.send(self._outbox[0], _NO_SIGPIPE)
            except BlockingIOError:
                break
            except OSError:
                self.is_open = False
                break
            self.moved_bytes += sent
            rest = self._outbox.popleft()[sent:]
            if rest:
                self._outbox.appendleft(rest)

    def receive(self) -> bytes | None:
        """The next whole message if it has come; None where there is none yet, or will be none (`is_open`)."""
        while self.is_open:
            if self._filled == len(self._target):
                if self._body is not None:
                    return self._take_body()
                (length,) = _LENGTH.unpack(self._target)
                self._body = bytearray(length)
                self._target, self._filled = memoryview(self._body), 0
            elif not self._fill():
                break
        return None

    def close(self) -> None:
        """Give the descriptor back; unsent and half-received messages are dropped."""
        self.is_open = False
        self._outbox.clear()
        self._end.close()

    def _fill(self) -> bool:
        try:
            count = self._end.recv_into(self._target[self._filled :])
        except BlockingIOError:
            return False
        except OSError:
            count = 0
        self._filled += count
        self.moved_bytes += count
        self.is_open = count > 0
        return self.is_open

    def _take_body(self) -> bytes:
        message = bytes(self._target)
        self._body = None
        self._target, self._filled = memoryview(bytearray(_LENGTH.size)), 0
        return message


def send_message(end: socket.socket, message: bytes) -> None:
    """The child's side: send a whole message, however long the parent takes to read it."""
    end.sendall(_LENGTH.pack(len(message)))
    end.sendall(message)


def receive_message(end: socket.socket) -> bytes:
    """The child's side: wait for a whole message; EOFError where the parent is gone."""
    (length,) = _LENGTH.unpack(_receive_exactly(end, _LENGTH.size))
    return _receive_exactly(end, length)


def _receive_exactly(end: socket.socket, length: int) -> bytes:
    data = bytearray(length)
    view, filled = memoryview(data), 0
    while filled < length:
        count = end.recv_into(view[filled:])
        if not count:
            raise EOFError
        filled += count
    return bytes(data)
