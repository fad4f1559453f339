"""
What runs inside the sandbox, in Python: pictures to pixels, and what a file says.

    python child.py picture /box/in.png FIRST_PAGE MOST_PAGES  --> P6 pages
    python child.py traces  /box/in                             --> one line of JSON
    python child.py members /box/in MOST_MEMBERS                --> one line of JSON

Whatever goes wrong here ends this process and nothing else.
"""

import json
import sys
import tarfile
import warnings
import zipfile
from itertools import islice
from pathlib import Path

LONGEST_SIDE = 1600
MOST_DECLARED_BYTES = 1024 * 1024 * 1024


def main() -> None:
    """Do what the arguments say, and write it to standard output."""
    warnings.simplefilter("ignore")
    what, path = sys.argv[1], Path(sys.argv[2])
    if what == "picture":
        show_picture(path, first_page=int(sys.argv[3]), most_pages=int(sys.argv[4]))
    elif what == "members":
        list_members(path, most_members=int(sys.argv[3]))
    else:
        say_traces(path)


def show_picture(path: Path, *, first_page: int, most_pages: int) -> None:
    """Write frames of a picture, small enough for a screen, as P6 pages."""
    from PIL import Image, ImageOps, ImageSequence

    with Image.open(path) as picture:
        frames = ImageSequence.Iterator(picture)
        for frame in islice(frames, first_page - 1, first_page - 1 + most_pages):
            # Fewer pixels are decoded where the format allows it (JPEG).
            frame.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            turned = ImageOps.exif_transpose(frame)
            shown = Image.new("RGB", turned.size, "white")
            solid = turned.convert("RGBA")
            shown.paste(solid, mask=solid.getchannel("A"))
            shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            sys.stdout.buffer.write(b"P6\n%d %d\n255\n" % shown.size + shown.tobytes())


def say_traces(path: Path) -> None:
    """Write what the file says about whoever made it."""
    from casework.inspection import inspect

    found = inspect(path.read_bytes())
    said = {
        "looked_inside": found.looked_inside,
        "traces": [[trace.kind.value, trace.value] for trace in found.traces],
    }
    sys.stdout.write(json.dumps(said))


def list_members(path: Path, *, most_members: int) -> None:
    """Write the names and sizes in an archive, as it says; nothing is unpacked."""
    found: list[tuple[str, int]] = []
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found = [
                (one.filename[:1000], one.file_size)
                for one in archive.infolist()[:most_members]
            ]
    else:
        declared_bytes = 0
        # Read as a stream: a compressed one is unpacked as it goes, and ended by
        # the clock.
        with tarfile.open(path, mode="r|*") as tar:
            for one in tar:
                found.append((one.name[:1000], one.size))
                # What comes behind a bomb would have to be unpacked to be seen.
                declared_bytes += max(0, one.size)
                if len(found) == most_members or declared_bytes > MOST_DECLARED_BYTES:
                    break
    sys.stdout.write(json.dumps(found))
