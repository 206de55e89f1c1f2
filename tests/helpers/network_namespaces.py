"""Simulate several nodes on one machine with Linux namespaces.

Each node has its own address, host name, processes, home, /tmp and shared memory. One process holds
the namespaces of a node. A bridge in another set of namespaces connects the nodes, so the network
of the real machine does not change. When the holding process ends, even if the tests were killed,
the kernel ends all other processes of the node and removes its network and mounts.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
NETWORK_PREFIX = "10.77.0"
NODE_HOME = Path("/root")  # the home that sshd reads from /etc/passwd

# The code and its Python stay readable, even if a private folder would hide them.
READABLE_PATHS = (ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve())

# `$@` are the paths that stay readable; /mnt holds them while the private folders are mounted.
# The shell is process 1 and reaps the orphans of Ray. It ends when its standard input is closed.
NODE_SCRIPT = """
set -e
hostname "$NAME"
ip link set lo up
mount -t tmpfs tmpfs /mnt
number=0
for path in "$@"; do
    number=$((number + 1))
    mkdir /mnt/$number
    mount --bind "$path" /mnt/$number
done
for folder in /tmp /root /run /dev/shm; do
    mount -t tmpfs -o mode=$(stat -c %a $folder) tmpfs $folder
done
printf '%b' "$HOSTS" > /run/hosts
echo 'nameserver 127.0.0.1' > /run/resolv.conf
mount --bind /run/hosts /etc/hosts
mount --bind /run/resolv.conf "$(realpath /etc/resolv.conf)"
number=0
for path in "$@"; do
    number=$((number + 1))
    mkdir -p "$path"
    mount --bind /mnt/$number "$path"
    mount -o remount,bind,ro "$path"
done
echo ready
read -r _
"""
HUB_SCRIPT = (
    "ip link set lo up && ip link add hub type bridge && ip link set hub up && echo ready && read"
)


@dataclass(frozen=True, slots=True)
class NamespaceNode:
    """Simulated node; `pid` is the id of its first process on the real machine."""

    name: str
    address: str
    pid: int

    @property
    def root(self) -> Path:
        """File system of the node, as a path on the real machine."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def home(self) -> Path:
        """Home of the node's user, as a path on the real machine."""
        return self.root / NODE_HOME.relative_to("/")

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: dict[str, str] | None = None,
        check: bool = True,
        timeout_s: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Raises:
            AssertionError: The command failed and `check` is set; the message has its output.
        """
        result = subprocess.run(
            self._build_command(command, env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        if check and result.returncode:
            raise AssertionError(
                f"{self.name}: {command} ended with {result.returncode}\n{result.stdout}"
            )
        return result

    def start_process(
        self, command: Sequence[str | Path], *, env: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start a command, which ends with the node."""
        return subprocess.Popen(
            self._build_command(command, env), stdin=subprocess.DEVNULL, text=True, **options
        )

    def write_file(self, path: str, text: str, *, mode: int = 0o600) -> None:
        """Write a file below the home folder, replacing an existing one."""
        target = self.home / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as stream:
            stream.write(text)

    def list_processes(self, substring: str) -> list[str]:
        """Return the command lines that contain `substring`."""
        lines = self.run(["ps", "-eww", "-o", "args="]).stdout.splitlines()
        return [line for line in lines if substring in line]

    def _build_command(
        self, command: Sequence[str | Path], env: dict[str, str] | None
    ) -> list[str]:
        variables = {
            "HOME": str(NODE_HOME),
            "LANG": "C.UTF-8",
            "PATH": f"{sys.prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
            **(env or {}),
        }
        return [
            *_build_nsenter_command(self.pid), "env", "-i", "-C", str(NODE_HOME),
            *(f"{key}={value}" for key, value in variables.items()), *map(str, command),
        ]  # fmt: skip


@contextmanager
def run_namespace_nodes(
    n_nodes: int, readable: Sequence[Path] = ()
) -> Iterator[list[NamespaceNode]]:
    """Run nodes named machine-1, machine-2, ... at 10.77.0.1, 10.77.0.2, ...; requires root.

    Args:
        n_nodes: Number of nodes.
        readable: Paths in the real machine's /tmp, home and /run that stay readable, in addition to
            the code.
    """
    _skip_without_root()
    names = [f"machine-{number}" for number in range(1, n_nodes + 1)]
    addresses = [f"{NETWORK_PREFIX}.{number}" for number in range(1, n_nodes + 1)]
    host_entries = zip(["127.0.0.1", *addresses], ["localhost", *names], strict=True)
    hosts = "".join(f"{address} {name}\\n" for address, name in host_entries)
    with ExitStack() as stack:
        hub_pid = stack.enter_context(_run_namespaces(HUB_SCRIPT))
        nodes = []
        for name, address in zip(names, addresses, strict=True):
            variables = {"NAME": name, "HOSTS": hosts}
            pid = stack.enter_context(
                _run_namespaces(NODE_SCRIPT, *READABLE_PATHS, *readable, **variables)
            )
            _connect_to_hub(hub_pid, pid, name, address)
            nodes.append(NamespaceNode(name, address, pid))
        yield nodes


def share_token(head: NamespaceNode, other_nodes: Sequence[NamespaceNode]) -> None:
    """Copy Ray's token from the head, which creates it if needed, to the other nodes."""
    code = "from study.runtime.token import ensure_private_token; ensure_private_token()"
    head.run(["python", "-c", code])
    token = (head.home / ".ray/auth_token").read_text()
    for node in other_nodes:
        node.write_file(".ray/auth_token", token)


def _skip_without_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make machines of namespaces")
    result = subprocess.run(
        ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        pytest.skip(f"no namespaces here: {result.stderr.strip()}")


def _build_nsenter_command(pid: int) -> list[str]:
    return ["nsenter", f"--target={pid}", "--net", "--mount", "--uts", "--ipc", "--pid", "--"]


@contextmanager
def _run_namespaces(script: str, *arguments: Path, **variables: str) -> Iterator[int]:
    """Create namespaces and yield the id of their first process; kill all processes at the end."""
    with subprocess.Popen(
        [
            "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
            "--mount-proc", "--", "bash", "-c", script, "bash", *map(str, arguments),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                _, stderr_text = process.communicate()
                raise RuntimeError(f"a machine did not come up: {stderr_text}")
            (init_process,) = psutil.Process(process.pid).children()
            yield init_process.pid
        finally:
            process.kill()


def _connect_to_hub(hub_pid: int, pid: int, name: str, address: str) -> None:
    """Connect the node to the bridge by a pair of virtual interfaces."""
    link_name = name.replace("machine-", "to")
    for namespace_pid, command in (
        (hub_pid, f"ip link add {link_name} type veth peer name eth0 netns {pid}"),
        (hub_pid, f"ip link set {link_name} master hub up"),
        (pid, f"ip address add {address}/24 dev eth0"),
        (pid, "ip link set eth0 up"),
        # Leads nowhere, but Ray uses the address from which it would reach the internet.
        (pid, "ip route add default dev eth0"),
    ):
        full_command = ["nsenter", f"--target={namespace_pid}", "--net", "--", *command.split()]
        subprocess.run(full_command, check=True, capture_output=True)
