# SPDX-License-Identifier: BSD-2-Clause
"""`make run` as a newcomer meets it: what it prints is done, and the message is where it says."""

import os
import re
import subprocess
import time

import pytest

import peers
from pipit import TREE, wait_for

PORT = 2525   # boards/linux/pipit.conf
pytestmark = pytest.mark.xdist_group("make run")   # one port, one folder


@pytest.fixture
def make_run(folder):
    """Starts `make run`, with a configuration if one is given; its output so far, and stops it at the end."""
    started = []

    def start(conf=None):
        log = open(f"{folder}/make-run.log", "w+b")
        argv = ["make", "-s", "SETUP=0", "run"] + ([f"CONF={conf}"] if conf else [])
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
        started.append(subprocess.Popen(argv, cwd=TREE, stdout=log, stderr=log, env=env, start_new_session=True))
        peers.wait_port("127.0.0.1", PORT, timeout_s=120)
        with open(log.name, "rb") as text:   # its own offset: a seek in `log` would move where they write
            return text.read().decode()
    yield start
    for p in started:
        os.killpg(p.pid, 15)
        p.wait(20)


def suggested(text, recipient=None):
    """The first command that `make run` suggests, as it stands there, run by a shell in the tree."""
    command = re.search(r"^ {4}(printf .* send .*)$", text, re.M).group(1)
    if recipient:
        command = command.replace("you@localhost", recipient)
    subprocess.run(command, shell=True, cwd=TREE, check=True, timeout=30)


def test_the_first_message(make_run):
    text = make_run()
    where = os.path.join(TREE, re.search(r"appears in (\S+)/\.", text).group(1))
    before = set(os.listdir(where)) if os.path.isdir(where) else set()
    suggested(text)
    new = wait_for(lambda: set(os.listdir(where)) - before if os.path.isdir(where) else None, why="the message")
    with open(os.path.join(where, new.pop()), "rb") as f:
        assert b"\nSubject: first\n" in f.read()


def test_a_second_message_to_a_real_postfix(make_run, folder, nsd, postfix):
    with open(os.path.join(TREE, "boards/linux/pipit.conf"), encoding="ascii") as f:
        conf = f.read()
    with open(f"{folder}/with-dns.conf", "w", encoding="ascii") as f:
        f.write(f"{conf}\n{nsd.conf}\nmx_port {postfix.port}\n")
    text = make_run(f"{folder}/with-dns.conf")
    user = f"second{int(time.time())}"
    suggested(text, f"{user}@postfix.test")
    assert b"Subject: first" in postfix.wait_mail(user)[0]
