# SPDX-License-Identifier: BSD-2-Clause
"""One Pipit under test: its folder, its configuration, its process, its control line."""

import atexit
import ctypes
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.abspath(os.environ.get("PIPIT", os.path.join(TREE, "build/linux/pipit")))
START_S = 10.0
STOP_S = 10.0


def _end(process):
    """Nothing of ours outlives the tests, whatever happened to them."""
    if process.poll() is None:
        process.kill()


# Below the ports that the system gives to clients, so that no connection of ours takes one meanwhile; each
# worker of a parallel run (pytest-xdist) has a range of its own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_PORTS_EACH = 3500
_range = range(11000 + _WORKER % 6 * _PORTS_EACH, 11000 + (_WORKER % 6 + 1) * _PORTS_EACH)
_ports = itertools.cycle(random.sample(_range, _PORTS_EACH))


def free_port(address="127.0.0.1", also=()):
    """A port free for TCP and UDP on all addresses given, and not handed out lately."""
    for port in itertools.islice(_ports, _PORTS_EACH):
        holders = []
        try:
            for each in (address,) + tuple(also):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    s = socket.socket(socket.AF_INET6 if ":" in each else socket.AF_INET, kind)
                    holders.append(s)
                    if kind == socket.SOCK_STREAM:   # what ended a minute ago is no obstacle
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((each, port))
            return port
        except OSError:
            continue
        finally:
            for s in holders:
                s.close()
    raise RuntimeError("no free port")


def wait_for(what, timeout_s=10.0, step_s=0.02, why="condition"):
    """Calls what() until it is true; its value, or AssertionError."""
    end = time.monotonic() + timeout_s
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:g} s for: {why() if callable(why) else why}")
        time.sleep(step_s)


_ROW = re.compile(r'([a-z0-9_]+)=("(?:[^"\\]|\\.)*"|\S*)')


def _unquote(value):
    if not value.startswith('"'):
        return value
    return re.sub(r'\\(x[0-9a-fA-F]{2}|.)',
                  lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else m[1], value[1:-1])


def parse_row(line):
    kind, _, rest = line.partition(" ")
    return kind, {k: _unquote(v) for k, v in _ROW.findall(rest)}


class ControlError(Exception):
    pass


class Pipit:
    """folder: everything of it lives there.  lines: configuration beside the usual; a keyword
    given there replaces the usual line.  Use as a context, or start() and stop()."""

    def __init__(self, folder, lines="", usual=True, listen=None, preload=None, env=None, limit=None, options=()):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.config = os.path.join(self.folder, "pipit.conf")
        self.control_path = os.path.join(self.folder, "control")
        self.queue_path = os.path.join(self.folder, "queue")
        self.log_path = os.path.join(self.folder, "log")
        self.shim_control = os.path.join(self.folder, "shim.control")
        self.maildirs = os.path.join(self.folder, "mail")
        self.port = free_port(also=("::1",))
        self.address = "127.0.0.1"
        self.env = dict(os.environ, **(env or {}))
        if preload:
            self.env.update(LD_PRELOAD=preload, PIPIT_SHIM_FILE="/queue", PIPIT_SHIM_CONTROL=self.shim_control)
            self.env.setdefault("ASAN_OPTIONS", "verify_asan_link_order=0")
        self.limit = limit or []
        self.options = list(options)
        self.process = None
        self.restarts = 0
        self.write_config(lines, usual, listen)

    # ---- configuration ----------------------------------------------------

    def write_config(self, lines="", usual=True, listen=None):
        text = "\n".join(line.strip() for line in lines.splitlines() if line.strip())
        if usual:
            text = self._usual(text, listen) + text
        self.config_text = text + "\n"
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(self.config_text)
        return self.config_text

    def _usual(self, text, listen):
        given = {line.split()[0] for line in text.splitlines() if line.split()}
        usual = [
            ("hostname", "mx.here.test"),
            ("listen", listen or f"127.0.0.1:{self.port}"),
            ("relay_from", "127.0.0.0/8 ::1/128"),
            ("local_domain", "here.test"),
            ("deliver", f"*@here.test maildir {self.maildirs}/%u"),
            ("dns_server", "127.0.0.1:9"),
            ("queue", "queue 8M"),
            ("control", "control"),
            ("retry", "1s 2s"),
            ("log", "info"),
        ]
        return "".join(f"{k} {v}\n" for k, v in usual if k not in given)

    # ---- process ------------------------------------------------------------

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop(must=exc[0] is None)
        return False

    def start(self, wait=True):
        assert self.process is None
        log = open(self.log_path, "ab")
        self.log_start = log.tell()
        self.process = subprocess.Popen(self.limit + [BINARY, "run", "-c", self.config] + self.options, cwd=self.folder, env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                        preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM))
        log.close()
        atexit.register(_end, self.process)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s=START_S):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"pipit ended with {self.process.returncode} at start:\n{self.log_tail()}")
            try:
                with socket.create_connection((self.address, self.port), 1.0) as s:
                    s.settimeout(3.0)
                    banner = s.recv(512)
                    s.sendall(b"QUIT\r\n")
                    s.recv(512)
                    return banner[:4] in (b"220 ", b"220-", b"421 ")
            except OSError:
                return False
        wait_for(ready, timeout_s, why=lambda: f"pipit to answer\n{self.log_tail()}")

    def run_to_end(self, timeout_s=START_S):
        """Starts it expecting that it refuses: (exit code, log)."""
        self.start(wait=False)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"pipit did not end by itself:\n{self.log_tail()}")
        self.process = None
        return code, self.log_tail()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, must=True):
        """SIGTERM; must: it ends in time, by itself, with 0."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = "did not end on SIGTERM"
        if must:
            assert code == 0, f"pipit ended with {code}:\n{self.log_tail()}"
        return code

    def kill(self):
        """kill -9, as a crash would."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    # ---- log ------------------------------------------------------------------

    def log(self):
        return self.log_bytes().decode("utf-8", "backslashreplace")

    def log_bytes(self):
        try:
            with open(self.log_path, "rb") as f:
                return f.read()
        except FileNotFoundError:   # never started
            return b""

    def log_tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_log(self, pattern, timeout_s=10.0, since=0):
        return wait_for(lambda: re.search(pattern, self.log()[since:]), timeout_s,
                        why=lambda: f"log line /{pattern}/\n{self.log_tail()}")

    # ---- control line -----------------------------------------------------------

    def control(self, request, timeout_s=10.0):
        """Rows as (kind, dict); ControlError for the row `error`."""
        rows = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(timeout_s)
            s.connect(self.control_path)
            s.sendall(request.encode() + b"\n")
            with s.makefile("r", encoding="utf-8", errors="backslashreplace", newline="\n") as lines:
                for line in lines:
                    line = line.rstrip("\n")
                    if line == "ok":
                        return rows
                    if line.startswith("error"):
                        raise ControlError(line[6:])
                    rows.append(parse_row(line))
        raise ControlError("connection ended without `ok`")

    def queue(self):
        """[{message fields, rcpts: [...], reports: [...]}]"""
        messages = {}
        for kind, fields in self.control("queue"):
            if kind == "message":
                messages[fields["id"]] = dict(fields, rcpt_rows=[], report_rows=[])
            elif kind == "rcpt":
                messages[fields["id"]]["rcpt_rows"].append(fields)
            elif kind == "report":
                messages[fields["id"]]["report_rows"].append(fields)
        return list(messages.values())

    def counters(self):
        return {f["name"]: int(f["value"]) for k, f in self.control("status") if k in ("counter", "value") and "name" in f}

    def wait_empty(self, timeout_s=15.0):
        wait_for(lambda: not self.queue(), timeout_s, step_s=0.05,
                 why=lambda: f"an empty queue; there is {self.queue()}\n{self.log_tail()}")

    def wait_queue(self, test, timeout_s=10.0, why="queue state"):
        """Waits until test(message) holds for a message in the queue; that message."""
        return wait_for(lambda: next((m for m in self.queue() if test(m)), None), timeout_s, step_s=0.05,
                        why=lambda: f"{why}; there is {self.queue()}\n{self.log_tail()}")

    # ---- command line -------------------------------------------------------------

    def cli(self, *args, stdin=b"", name=None, check=None, timeout_s=20.0, config=True, env=None):
        """Runs pipit ARGS -c FILE (or the link `name`); CompletedProcess with bytes."""
        argv = [BINARY] + list(args) if name is None else [self.link(name)] + list(args)
        if config:
            at = 1 if name is not None else 2
            argv[at:at] = ["-c", self.config]
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout_s, cwd=self.folder,
                              env=dict(self.env, **(env or {})), check=False)
        if check is not None:
            assert done.returncode == check, f"{argv}: {done.returncode}\n{done.stdout!r}\n{done.stderr!r}"
        return done

    def json(self, *args):
        done = self.cli(*args, "--json", check=0)
        return json.loads(done.stdout)

    def link(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.lexists(path):
            os.symlink(BINARY, path)
        return path

    # ---- maildirs -------------------------------------------------------------------

    def mail(self, user):
        """The messages delivered to user, as octets, oldest first."""
        return maildir(os.path.join(self.maildirs, user))

    def wait_mail(self, user, count=1, timeout_s=10.0):
        wait_for(lambda: len(self.mail(user)) >= count, timeout_s, step_s=0.03,
                 why=lambda: f"{count} messages for {user}; there are {len(self.mail(user))}\n{self.log_tail()}")
        return self.mail(user)


def maildir(path):
    """Contents of new/ and cur/, oldest first."""
    found = []
    for sub in ("new", "cur"):
        folder = os.path.join(path, sub)
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name in names:
            full = os.path.join(folder, name)
            try:
                with open(full, "rb") as f:
                    found.append((os.fstat(f.fileno()).st_mtime_ns, name, f.read()))
            except FileNotFoundError:
                pass
    return [content for _, _, content in sorted(found)]
