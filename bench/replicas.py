"""What one more Parley brings: many talking at once to one and to two of them, behind nginx.

`python -m bench.replicas` starts what docs/scaling.md sets up (PostgreSQL as it is installed, a Chroma
server, nginx with `deploy/nginx.conf`) and prints how replies that begin while all others stream
come, and whose CPU it took: on one machine those who answer and who read take from the same cores.
"""

import asyncio
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import ROOT, Provider, listen, p95, raw, twice
from tests.attacker import Attacker
from tests.browser.conftest import RunningParley
from tests.memory.chroma_process import ChromaProcess
from tests.places.nginx import Nginx
from tests.postgres import Postgres

STREAMS, REPLICAS = (50, 100), (1, 2)


@dataclass
class Team:
    url: str
    parleys: list[RunningParley]


def main() -> None:
    print("| replicas | replies at once | first word p50, s | p95, s | the whole, p95, s |"
          " of bare sockets, s | × | CPU of each Parley, s | of the rest of the team, s |"
          " of provider and readers, s | idle, s |")  # fmt: skip
    print(f"| {' | '.join(['---'] * 11)} |")
    provider = Provider()
    try:
        floors = {streams: asyncio.run(raw(provider.url, streams)) for streams in STREAMS}
        for replicas in REPLICAS:
            with tempfile.TemporaryDirectory() as folder, _team(
                provider.url, Path(folder), replicas
            ) as team:  # fmt: skip
                asyncio.run(_warm(team))
                for streams, floor_s in floors.items():
                    print(asyncio.run(_row(provider, team, streams, floor_s)), flush=True)
    finally:
        provider.end()


async def _warm(team: Team) -> None:
    """All that is loaded with a first reply is there, in each of them."""
    visitors = [_from_afar(team.url, number) for number in range(8)]
    for visitor in visitors:
        await visitor.get("/")
    await asyncio.gather(*map(listen, visitors))


async def _row(provider: Provider, team: Team, streams: int, floor_s: float) -> str:
    visitors = [_from_afar(team.url, number) for number in range(streams)]
    for visitor in visitors:
        await visitor.get("/")
    before, idle_before = _cpu(), _idle_s()
    told = await asyncio.gather(
        *(twice(one, n * floor_s / streams) for n, one in enumerate(visitors))
    )
    spent, idle_s = _cpu(), _idle_s() - idle_before
    for visitor in visitors:
        await visitor.aclose()
    firsts, wholes = zip(*(second for _, second in told), strict=True)
    pids = [one.process.pid for one in team.parleys if one.process]
    used = {pid: seconds - before.get(pid, 0.0) for pid, seconds in spent.items()}
    parleys, crowd = [used[pid] for pid in pids], used[provider.pid] + used[os.getpid()]
    rest = sum(used.values()) - sum(parleys) - crowd
    return (
        f"| {len(pids)} | {streams} | {statistics.median(firsts):.2f} | {p95(firsts):.2f} |"
        f" {p95(wholes):.2f} | {floor_s:.2f} | {p95(wholes) / floor_s:.2f} |"
        f" {' + '.join(f'{one:.1f}' for one in parleys)} | {rest:.1f} | {crowd:.1f} | {idle_s:.1f} |"
    )


def _from_afar(url: str, number: int) -> Attacker:
    """Of one network a Parley answers a quarter of what it answers in all: each comes from its own."""
    return Attacker(base_url=url, timeout=60, headers={"x-forwarded-for": f"203.0.{number}.7"})


@contextmanager
def _team(provider: str, folder: Path, replicas: int) -> Iterator[Team]:
    with ExitStack() as stack:
        postgres = Postgres(settings=())
        postgres.start()
        stack.callback(postgres.stop)
        chroma = ChromaProcess(folder / "chroma")
        chroma.start()
        stack.callback(chroma.stop)
        environ = {
            "PARLEY_BASE_URL": provider,
            "PARLEY_API_KEY": "none",
            "PARLEY_MODEL": "big",
            "DATABASE_URL": postgres.fresh().replace("postgresql+asyncpg", "postgresql"),
            "CHROMA_URL": chroma.url,
            "PARLEY_SHARED_DIR": str(folder / "shared"),
            "PARLEY_COOKIE_KEY": "one key for all of them, of many characters",
            "PARLEY_PROXIES": "127.0.0.1",
        }
        parleys = []
        for number in range(replicas):
            (folder / str(number)).mkdir()
            parleys.append(RunningParley(folder / str(number), environ))
            parleys[-1].start()
            stack.callback(parleys[-1].end)
        nginx = Nginx(folder / "nginx", _servers(parleys))
        stack.callback(nginx.end)
        yield Team(f"http://127.0.0.1:{nginx.port}/", parleys)


def _servers(parleys: list[RunningParley]) -> str:
    """deploy/nginx.conf with these Parleys in place of its two, and believing where readers come from."""
    lines = (ROOT / "deploy" / "nginx.conf").read_text().splitlines()
    first, second = (n for n, line in enumerate(lines) if "server 127.0.0.1" in line)
    named = [lines[first].replace("7861", str(one.port)) for one in parleys]
    lines[first : second + 1] = named
    conf = "\n".join(lines).replace("listen 80;", "listen 127.0.0.1:{port};")
    return conf.replace("$remote_addr;\n        proxy", "$http_x_forwarded_for;\n        proxy")


def _idle_s() -> float:
    """Of all cores together: what nobody on this machine wanted."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def _cpu() -> dict[int, float]:
    """CPU seconds of this process and of each that it started, with all that those started."""
    processes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        processes[int(folder.name)] = (int(fields[1]), sum(int(ticks) for ticks in fields[11:15]))
    mine = os.getpid()
    own = sum(int(t) for t in Path("/proc/self/stat").read_text().rpartition(")")[2].split()[11:13])
    spent: dict[int, float] = {mine: own / os.sysconf("SC_CLK_TCK")}
    for pid, (_, ticks) in processes.items():
        root = pid
        while root in processes and processes[root][0] not in (0, mine):
            root = processes[root][0]
        if root in processes and processes[root][0] == mine:
            spent[root] = spent.get(root, 0.0) + ticks / os.sysconf("SC_CLK_TCK")
    return spent


if __name__ == "__main__":
    main()
