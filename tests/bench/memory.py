"""Peak memory of this process, and of no other that it came from."""

from __future__ import annotations

import re
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory_mb() -> int:
    """Give the most memory that this program ever held.

    Linux' own count begins with what the parent held when it was started, so it is asked elsewhere.
    """
    if _STATUS.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
