"""What the tests of several machines share."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.cluster.machines import Machine, machines, share_token
from tests.store import KEYS, PORT

TOKEN = {"RAY_AUTH_MODE": "token"}
SMALL = ("--num-cpus=1", "--object-store-memory=100000000")


def join(machine: Machine, head: Machine, env: Mapping[str, str] = TOKEN) -> str:
    """Start Ray there as a part of the head's cluster; what it said."""
    words = ["ray", "start", f"--address={head.address}:6379", *SMALL]
    return machine.run(words, env=dict(env)).stdout


@contextmanager
def ray_cluster(
    count: int, spare: int = 0, env: Mapping[str, str] = TOKEN
) -> Iterator[Sequence[Machine]]:
    """Ray on so many machines, the first its head; spare ones hold no token and have not joined."""
    with machines(count + spare) as made:
        head, *others = made[:count]
        share_token(head, others)
        head.run(
            ["ray", "start", "--head", "--port=6379", "--dashboard-host=127.0.0.1", *SMALL],
            env=dict(env),
        )
        for machine in others:
            join(machine, head, env)
        yield made


def at(machine: Machine) -> dict[str, str]:
    """What AWS's library reads, to find the store that the machine serves."""
    return KEYS | {"AWS_ENDPOINT_URL": f"http://{machine.address}:{PORT}"}


@contextmanager
def serving(machine: Machine) -> Iterator[None]:
    """A store such as S3 on the machine."""
    (machine.home / "store").mkdir()
    words = ["python", "-m", "tests.store", machine.address, str(PORT), "/root/store"]
    with machine.popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as served:
        try:
            assert served.stdout is not None
            assert served.stdout.readline() == "ready\n"
            yield
        finally:
            served.kill()
