# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the boards' tests: real programs on the host, as in tests/e2e.

The guest sees the host's loopback as 10.0.2.2 (QEMU's user network), so that is where the
zone's MX leads.
"""

import os
import pathlib
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import peers  # noqa: E402
from board import Board, LM3S, RISCV  # noqa: E402

LIMIT_S = 120
ZONE = "postfix MX 10 host\nhost A 10.0.2.2\n"


def pytest_configure(config):
    signal.signal(signal.SIGTERM, lambda signum, frame: pytest.exit("SIGTERM", 1))
    config.addinivalue_line("markers", "limit(seconds): this test may take so long")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """No test runs for ever."""
    marker = item.get_closest_marker("limit")

    def late(signum, frame):
        raise TimeoutError("the test took too long")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(marker.args[0] if marker else LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peers"] = sorted(peers.used)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """A worker of a parallel run tells what it used."""
    peers.used.update(dict.fromkeys(getattr(node, "workeroutput", {}).get("peers", ()), ""))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"ran against: {peers.ran_against()}")


@pytest.fixture(scope="session")
def root_folder():
    """Others must be able to pass: Postfix drops root."""
    with tempfile.TemporaryDirectory(prefix="pipit-boards-") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def nsd(root_folder):
    server = peers.Nsd(root_folder / "nsd", {"test": ZONE})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postfix(root_folder):
    server = peers.Postfix(root_folder / "postfix")
    yield server
    server.stop()


@pytest.fixture
def make(root_folder):
    """make(name): a board, killed at the end."""
    made = []

    def maker(name):
        made.append(Board(name, tempfile.mkdtemp(prefix="board-", dir=root_folder)))
        return made[-1]
    yield maker
    for board in made:
        board.kill()


@pytest.fixture(params=[LM3S, RISCV])
def board(request, make):
    return make(request.param)


@pytest.fixture
def mx(nsd, postfix):
    """Configuration lines: next hops by DNS on the host, and its Postfix's port."""
    return f"dns_server 10.0.2.2:{nsd.port}\nmx_port {postfix.port}\n"
