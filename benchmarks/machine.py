"""The machine: what figures cannot be compared without."""

import os
import platform
import subprocess
from pathlib import Path


def describe() -> str:
    """Say on what was measured, and how busy it was before."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    gpg = subprocess.run(
        ["gpg", "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[:2]
    memory_kib = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    return "\n".join(
        [
            f"{os.cpu_count()} cores, {memory_kib / 1024**2:.0f} GiB of memory, "
            f"{system}, Linux {platform.release()}",
            f"Python {platform.python_version()}, {', '.join(gpg)}",
            f"load of the last minute before: {os.getloadavg()[0]:.1f}",
        ]
    )
