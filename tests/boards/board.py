# SPDX-License-Identifier: BSD-2-Clause
"""One board in QEMU: its flash, its configuration, its console."""

import atexit
import os
import signal
import smtplib
import socket
import subprocess
import threading

from peers import die_with_us
from pipit import free_port, wait_for

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LM3S, RISCV = "qemu-lm3s6965evb", "qemu-riscv32-virt"
TICK = {LM3S: 20, RISCV: 1}   # instructions in one of machine_ticks, with icount
CONF = """\
hostname     sensor.test
listen       0.0.0.0:25
relay_from   10.0.2.0/24
local_domain sensor.test
deliver      sensor@sensor.test callback
postmaster   ops@postfix.test
retry        1s
"""


class Board:
    """name: a folder of boards/; folder: of its flash.  start(lines): configuration beside the usual."""

    def __init__(self, name, folder):
        self.name, self.folder = name, str(folder)
        self.port = free_port()
        self.process = None
        self.said = []
        self.boots = 0
        os.makedirs(self.folder, exist_ok=True)

    def start(self, lines="", icount=False, wait=True):
        conf = os.path.join(self.folder, "conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONF + lines)
        self.monitor = os.path.join(self.folder, "monitor")
        environment = dict(os.environ, PORT=str(self.port), ICOUNT="1" if icount else "0",
                           MONITOR=f"unix:{self.monitor},server=on,wait=off")
        elf = os.environ.get("PIPIT_BOARDS", os.path.join(TREE, "build")) + f"/{self.name}/pipit.elf"
        self.process = subprocess.Popen(
            [f"{TREE}/boards/{self.name}/run.sh", elf, conf, self.folder], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, preexec_fn=die_with_us)
        atexit.register(self.kill)
        threading.Thread(target=self._listen, args=(self.process, self.said), daemon=True).start()
        if wait:
            self.wait_said("lease network=ready", 20)
            self.wait_said("running", 20, count=2)
        return self

    def _listen(self, process, said):
        for line in process.stdout:
            said.append(line.decode("ascii", errors="replace").rstrip())

    def wait_said(self, text, timeout_s=10.0, count=1):
        wait_for(lambda: sum(text in line for line in self.said) >= count, timeout_s,
                 why=lambda: f"{self.name} to say {text!r} {count} times; it said:\n" + "\n".join(self.said[-40:]))
        return [line for line in self.said if text in line]

    def say(self, command):
        self.process.stdin.write(command.encode("ascii") + b"\n")
        self.process.stdin.flush()

    def ask(self, command, timeout_s=10.0):
        """The rows that answer a command, without the log's lines."""
        before = len(self.said)
        self.say(command)
        def rows():
            return [line for line in list(self.said[before:]) if not line.startswith("<")]
        wait_for(lambda: any(row == "ok" or row.startswith("error") for row in rows()), timeout_s,
                 why=lambda: f"an answer to {command}; {self.name} said:\n" + "\n".join(self.said[-20:]))
        return rows()

    def figures(self):
        """What `board status` says of the board itself."""
        row = next(r for r in self.ask("board status") if r.startswith("board "))
        return {k: int(v) if v.isdigit() else v for k, v in (word.split("=") for word in row.split()[1:])}

    def cable(self, plugged):
        """QEMU's user network passes frames, or does not."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.monitor)
            while b"(qemu)" not in s.recv(4096):
                pass
            s.sendall(b"set_link net %s\n" % (b"on" if plugged else b"off"))
            while b"(qemu)" not in s.recv(4096):
                pass

    def smtp(self, timeout_s=20.0):
        return smtplib.SMTP("127.0.0.1", self.port, timeout=timeout_s)

    def send(self, to, text, sender="ask@postfix.test"):
        with self.smtp() as s:
            s.sendmail(sender, [to], text)

    def kill(self):
        """The power goes."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            self.process.stdin.close()
            self.process = None
        self.said = []
