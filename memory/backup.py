"""All that lasts in one file, and back: the database and the files beside it.

Vectors and indexes are left out: they are made again from the texts.
"""

import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from memory.database import DatabaseRefused, claim

DATABASE = "parley.db"
BESIDE = ("media", "cookie.key", "mcp.json", "mcp-approved.json", "mcp.token", "users")
"""What is taken along where it is there."""


def back_up(data: Path, archive: Path) -> int:
    """Write what lasts of `data` to `archive` (.tar.gz, for its owner's eyes alone); its size in bytes.

    Parley may go on working: the database is copied as it stands at one moment, and files never
    change. A file that somebody deletes meanwhile is left out. Raises DatabaseRefused.
    """
    if not (data / DATABASE).is_file():
        raise DatabaseRefused(f"There are no data of Parley in {data}.", "Name it by --data-dir.")
    if archive.exists():
        raise DatabaseRefused(f"{archive} is there already.", "Choose another name.")
    try:
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".parley-") as workshop:
            copy, whole = Path(workshop, DATABASE), Path(workshop, "whole")
            _copy(data / DATABASE, copy)
            whole.touch(mode=0o600)
            with tarfile.open(whole, "w:gz", compresslevel=1) as tar:
                tar.add(copy, DATABASE)
                for path in _files(data):
                    try:
                        tar.add(path, str(path.relative_to(data)))
                    except FileNotFoundError:
                        continue
            whole.replace(archive)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseRefused(f"The backup could not be made ({error}).") from None
    return archive.stat().st_size


def restore(archive: Path, data: Path) -> int:
    """Put back what `back_up` wrote, into a directory without data; the number of files.

    Raises DatabaseRefused, and then leaves `data` as it was.
    """
    lock = claim(data)
    try:
        there = sorted(path.name for path in data.iterdir() if path.suffix != ".lock")
        if there:
            raise DatabaseRefused(
                f"{data} is not empty ({', '.join(there[:5])}).",
                "Move it away first, or restore to another place by --data-dir.",
            )
        with tempfile.TemporaryDirectory(dir=data, prefix=".restored-") as workshop:
            found = _unpacked(archive, Path(workshop))
            for path in Path(workshop).iterdir():
                shutil.move(path, data / path.name)
        return found
    finally:
        lock.release()


def _copy(database: Path, copy: Path) -> None:
    """The database of one moment, without what was deleted from it. Found whole before it is used."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source:
        source.execute("PRAGMA busy_timeout=15000")
        source.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    with closing(sqlite3.connect(copy)) as made:
        verdict = made.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _files(data: Path) -> list[Path]:
    found: list[Path] = []
    for name in BESIDE:
        place = data / name
        found += sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else []
        found += [place] if place.is_file() else []
    return found


def _unpacked(archive: Path, place: Path) -> int:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = [member for member in tar if member.isfile()]
            if DATABASE not in {member.name for member in members}:
                raise DatabaseRefused(f"{archive} is no backup of Parley.", "Choose another file.")
            tar.extractall(place, members, filter="data")
        with closing(sqlite3.connect(place / DATABASE)) as database:
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
    except (OSError, EOFError, tarfile.TarError, sqlite3.DatabaseError) as error:
        raise DatabaseRefused(
            f"{archive} cannot be read ({error}).", "It may be damaged: use another backup."
        ) from None
    for path in place.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return len(members)
