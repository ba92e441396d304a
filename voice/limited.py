"""Runs a command in little room: `python limited.py <bytes of memory> <CPU seconds> command …`.

It can write no file, and leaves no image of its memory where it crashes. Windows knows no such limits.
"""

import os
import sys


def main(memory: int, cpu_s: int, command: list[str]) -> None:
    try:
        import resource
    except ImportError:
        import subprocess

        sys.exit(subprocess.call(command))
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
