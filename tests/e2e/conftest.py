# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the end-to-end tests.  See tests/README.md for how to run them."""

import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import peers
import pipit as pipit_module
from lyingdns import LyingDns
from pipit import Pipit
from sink import Sink

TEST_LIMIT_S = int(os.environ.get("PIPIT_TEST_LIMIT", "60"))
ZONE = """\
@           MX 10 mx.test.
mx          A 127.0.0.1
postfix     MX 10 a.mx
postfix     MX 20 b.mx
a.mx        A 127.0.0.21
b.mx        A 127.0.0.22
"""


def pytest_report_header(config):
    return [f"pipit: {pipit_module.BINARY}",
            "peers: " + "; ".join(f"{name} {peers.version(name)}" for name in ("postfix", "nsd", "swaks", "curl"))]


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peers"] = sorted(peers.used)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """A worker of a parallel run tells what it used."""
    peers.used.update(dict.fromkeys(getattr(node, "workeroutput", {}).get("peers", ()), ""))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"ran against: {peers.ran_against()}")


def pytest_configure(config):
    # So that what was started is stopped, too, when a `timeout` ends us.
    signal.signal(signal.SIGTERM, lambda signum, frame: pytest.exit("SIGTERM", 1))
    config.addinivalue_line("markers", "limit(seconds): this test may take so long")


def pytest_collection_modifyitems(items):
    if not os.access(pipit_module.BINARY, os.X_OK):
        raise pytest.UsageError(f"{pipit_module.BINARY} is not there: make it first, or name it with PIPIT=")


class TooLong(Exception):
    pass


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """No test runs for ever: each phase of it has its limit."""
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else TEST_LIMIT_S

    def late(signum, frame):
        raise TooLong(f"the test took more than {seconds} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(int(seconds))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def root_folder():
    """Everything is below it.  Others must be able to pass: Pipit and Postfix drop root."""
    path = tempfile.mkdtemp(prefix="pipit-e2e-")
    os.chmod(path, 0o755)
    yield path
    if os.environ.get("PIPIT_KEEP") != "1":
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder(root_folder, request):
    path = tempfile.mkdtemp(prefix=re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:40] + "-", dir=root_folder)
    os.chmod(path, 0o755)
    return path


@pytest.fixture
def make(folder):
    """make(lines, name=...): a started Pipit in a folder of its own, stopped at the end.
    At the end each must still be alive or have been stopped by the test."""
    made = []

    def maker(lines="", name=None, start=True, **kw):
        p = Pipit(os.path.join(folder, name or f"pipit{len(made)}"), lines, **kw)
        made.append(p)
        return p.start() if start else p
    yield maker
    crashed = [p for p in made if p.process is not None and not p.alive()]
    for p in made:
        p.stop(must=False)
    for p in crashed:
        raise AssertionError(f"pipit ended by itself:\n{p.log_tail()}")
    for p in made:
        check_log(p)


def check_log(p):
    """Whatever a test did: no sanitizer report, no failed check, no octet in the log that a terminal obeys."""
    log = p.log_bytes()
    assert b"runtime error:" not in log and b"AddressSanitizer" not in log, p.log_tail()
    assert b"check failed" not in log, p.log_tail()
    bad = {c for c in log if (c < 32 and c not in (9, 10)) or c == 127}
    assert not bad, f"control octets {bad} in the log"


@pytest.fixture
def make_sink():
    made = []

    def maker(script=None, **kw):
        s = Sink(script, **kw)
        made.append(s)
        return s
    yield maker
    for s in made:
        s.close()


@pytest.fixture
def make_dns():
    made = []

    def maker(zone=None, lies=None, **kw):
        d = LyingDns(zone, lies, **kw)
        made.append(d)
        return d
    yield maker
    for d in made:
        d.close()


@pytest.fixture(scope="session")
def nsd(root_folder):
    server = peers.Nsd(os.path.join(root_folder, "nsd"), {"test": ZONE})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postfix(root_folder):
    server = peers.Postfix(os.path.join(root_folder, "postfix"), address="127.0.0.21")
    yield server
    server.stop()


def build_shim(folder):
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    if compiler is None:
        peers.missing("no C compiler for the shim")
    out = os.path.join(folder, "shim.so")
    source = os.path.join(pipit_module.HERE, "shim", "shim.c")
    subprocess.run([compiler, "-std=c11", "-O1", "-Wall", "-shared", "-fPIC", "-o", out, source, "-ldl"], check=True)
    return out


@pytest.fixture(scope="session")
def shim(root_folder):
    return build_shim(root_folder)
