"""`python -m pytest_rlguard`: the command line, where the script `rlguard` is not on the path."""

from __future__ import annotations

from pytest_rlguard.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
