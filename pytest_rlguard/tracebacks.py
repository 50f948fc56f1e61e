"""The user's traceback as text: without our frames, and without those of the import system between theirs and ours."""

from __future__ import annotations

import os
import re
import traceback

__all__ = ["describe_error", "strip_stack"]

_OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - workers import this, and pathlib is not free
_IMPORT_SYSTEM = ("<frozen importlib", os.path.dirname(os.__file__) + os.sep + "importlib" + os.sep)  # noqa: PTH120
_PROCESS_START = os.path.dirname(os.__file__) + os.sep + "multiprocessing" + os.sep  # noqa: PTH120
_STACK_LINE = re.compile(r'^  File "(?P<file>[^"]*)", line \d+ in ')


def describe_error(error: BaseException) -> str:
    """What the interpreter would print of `error` and its causes, had the user's code run without us.

    Empty where no line of it is the user's: the message then says it all.
    """
    told = traceback.TracebackException.from_exception(error)
    kept = sum([_strip(part) for part in _causes(told)])
    return "".join(told.format()) if kept or isinstance(error, SyntaxError) else ""


def strip_stack(text: str) -> str:
    """A worker's last words without our frames, where faulthandler wrote a stack into them."""
    return "\n".join(line for line in text.splitlines() if not _is_foreign_line(line)).strip()


def _causes(told: traceback.TracebackException) -> list[traceback.TracebackException]:
    """`told` and all that it was raised from, during or for."""
    found = [told]
    for part in found:
        found += [cause for cause in (part.__cause__, part.__context__, *(part.exceptions or ())) if cause is not None]
    return found


def _strip(told: traceback.TracebackException) -> int:
    """Take the frames that are not the user's out, and count the others."""
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if not _is_foreign(frame.filename)])
    return len(told.stack)


def _is_foreign(file: str) -> bool:
    return file.startswith((_OURS, *_IMPORT_SYSTEM))


def _is_foreign_line(line: str) -> bool:
    found = _STACK_LINE.match(line)
    return found is not None and (_is_foreign(found["file"]) or found["file"].startswith(("<string>", _PROCESS_START)))
