import os
from pathlib import Path

import pytest

from ops.errors import NoPrivateMemory
from ops.memory import private_memory

UID = os.getuid()


def test_a_folder_in_memory_is_made(memory: Path) -> None:
    """It is closed to everybody else, and found again."""
    folder = memory / "own"
    assert folder == private_memory(folder, uid=UID)
    assert 0o700 == folder.stat().st_mode & 0o777
    assert folder == private_memory(folder, uid=UID)


def test_a_disk_is_refused() -> None:
    """A folder that survives the power is none."""
    here = Path(__file__).parent
    with pytest.raises(NoPrivateMemory, match=r"this user's|not in memory"):
        private_memory(here, uid=UID)


def test_what_others_can_reach_is_refused(memory: Path) -> None:
    """Open to others, another's, a link, a file: refused."""
    open_folder = memory / "open"
    open_folder.mkdir()
    open_folder.chmod(0o755)
    (memory / "link").symlink_to(memory, target_is_directory=True)
    (memory / "file").touch()
    private = memory / "private"
    private.mkdir(mode=0o700)
    for folder in (open_folder, memory / "link", memory / "file", memory / "a" / "b"):
        with pytest.raises(NoPrivateMemory):
            private_memory(folder, uid=UID)
    with pytest.raises(NoPrivateMemory, match="this user's alone"):
        private_memory(private, uid=UID + 1)
