"""Looks up every pinned package among the known vulnerabilities of osv.dev, by pip-audit.

Exit codes: 0 nothing is known, or only what supply/accepted.toml accepts with a reason; 1 a finding;
2 accepted.toml makes no sense; 3 not all could be looked up, because the service was out of reach.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
ACCEPTED = Path(__file__).with_name("accepted.toml")
SERVICE = "https://api.osv.dev/v1/query"
FINE, FOUND, NONSENSE, NOT_ASKED = 0, 1, 2, 3


class NotAsked(Exception):
    """The service gave no answer, or none for some packages. The text says so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`names` are all the ids that it goes by."""

    package: str
    version: str
    names: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "not fixed yet"
        return f"{self.package} {self.version}: {' = '.join(self.names)}, {fixed}"


@dataclass(frozen=True, slots=True)
class Accepted:
    id: str
    package: str
    why: str
    until: date

    def covers(self, finding: Finding, today: date) -> bool:
        return self.package == finding.package and self.id in finding.names and today <= self.until


def accepted(path: Path) -> list[Accepted]:
    """Raises ValueError where a reason, or anything else, is missing."""
    names = {field.name for field in fields(Accepted)}
    found = []
    for row in tomllib.loads(path.read_text()).get("accepted", []):
        if set(row) != names or not str(row["why"]).strip() or not isinstance(row["until"], date):
            raise ValueError(f"{path.name}: each one needs {', '.join(sorted(names))}.")
        found.append(Accepted(**row))
    return found


def look_up(lock: Path, service: str) -> tuple[int, list[Finding]]:
    """How many packages were looked up, and what was found. Raises NotAsked."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes"]
    command += ["--disable-pip", "--vulnerability-service", "osv", "--osv-url", service]
    command += ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        why = last[0].partition("(")[0].strip(" :")[:200]
        raise NotAsked(f"{service} gave no answer that makes sense ({why}).") from None
    if skipped := [one["name"] for one in told if "skip_reason" in one]:
        raise NotAsked(f"{service} knows nothing of {', '.join(skipped)}.")
    return len(told), list(_findings(told))


def _findings(told: Sequence[dict[str, object]]) -> Iterator[Finding]:
    for one in told:
        vulnerabilities = one["vulns"]
        assert isinstance(vulnerabilities, list)
        for each in vulnerabilities:
            names = (each["id"], *each["aliases"])
            yield Finding(str(one["name"]), str(one["version"]), names, tuple(each["fix_versions"]))


def audit(lock: Path, service: str, accepting: Sequence[Accepted], today: date) -> int:
    """Says what was found on standard output; gives the exit code."""
    count, found = look_up(lock, service)
    left = [each for each in found if not any(one.covers(each, today) for one in accepting)]
    for finding in left:
        _say(str(finding))
    if left:
        _say(
            f"Update these, or say in {ACCEPTED.name} why they do not matter here, and until when."
        )
        return FOUND
    also = f", {len(found)} accepted" if found else ""
    _say(f"{count} packages looked up: no known vulnerability{also}.")
    for one in accepting:
        if not any(one.covers(each, today) for each in found):
            _say(f"{one.id} ({one.package}) is accepted, but found no longer: take it out.")
    return FINE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m supply.audit", description=__doc__)
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--accepted", type=Path, default=ACCEPTED)
    parser.add_argument("--service", default=SERVICE, help="an OSV API to ask")
    parser.add_argument(
        "--if-reachable", action="store_true", help="no failure where it is out of reach"
    )
    asked = parser.parse_args()
    try:
        return audit(asked.lock, asked.service, accepted(asked.accepted), date.today())
    except ValueError as error:
        _say(str(error))
        return NONSENSE
    except NotAsked as error:
        _say(f"NOT AUDITED: {error} Nothing is known about {asked.lock.name} from today.")
        return FINE if asked.if_reachable else NOT_ASKED


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")


if __name__ == "__main__":
    sys.exit(main())
