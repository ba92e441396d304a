"""`--add-user NAME`: asks for a password and writes it down, so that NAME may log in."""

import getpass
import sys

from gate.opening import users_path
from gate.users import BadUsers, add_user
from settings import Settings


def add(chosen: Settings, name: str) -> int:
    """The password is asked for twice at a terminal, and read from a line of a pipe."""
    path = users_path(chosen)
    try:
        if sys.stdin.isatty():
            password = getpass.getpass(f"Password for {name}: ")
            if getpass.getpass("Once more: ") != password:
                raise BadUsers("These were two different passwords.")
        else:
            password = sys.stdin.readline().rstrip("\r\n")
        add_user(path, name, password)
    except (BadUsers, OSError) as error:
        sys.stderr.write(f"parley: {error}\n")
        return 2
    sys.stdout.write(f"{name} is in {path}.\n")
    if chosen.users_file is None:
        sys.stdout.write(f"Start Parley with PARLEY_USERS={path}\n")
    return 0
