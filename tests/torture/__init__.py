"""Attempts to lose or corrupt something. `make torture` is the long form, the test suite runs the short one."""

import os

LONG = os.environ.get("TORTURE") == "long"


def rounds(short: int, long: int) -> int:
    """How often something is tried."""
    return long if LONG else short
