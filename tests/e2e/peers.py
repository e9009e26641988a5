# SPDX-License-Identifier: BSD-2-Clause
"""Real programs on loopback: Postfix, smtp-sink, smtp-source, swaks, curl, nsd.

Each has its own folder and ports; the system's own instances are never touched.  A program
that is missing skips the test and says so, or fails it where PIPIT_REQUIRE_PEERS=1 (.ci/run).
"""

import atexit
import ctypes
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import time

import pytest

from pipit import free_port, maildir, wait_for

REQUIRED = os.environ.get("PIPIT_REQUIRE_PEERS") == "1"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
used = {}


def missing(what):
    if REQUIRED:
        pytest.fail(f"PIPIT_REQUIRE_PEERS=1 and there is {what}", pytrace=False)
    pytest.skip(what)


def program(name, package=None):
    path = shutil.which(name, path=PATH)
    if path is None:
        missing(f"no {name} on this machine (package {package or name})")
    used[name] = path
    return path


def need_root(why):
    if os.geteuid() != 0:
        missing(f"no root here: {why}")


def run(argv, stdin=b"", timeout_s=30.0, ok=None):
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout_s, check=False)
    if ok is not None:
        assert done.returncode in (ok if isinstance(ok, (tuple, list)) else [ok]), \
            f"{argv}: {done.returncode}\n{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}"
    return done


def wait_port(address, port, timeout_s=15.0):
    def there():
        try:
            socket.create_connection((address, port), 1.0).close()
            return True
        except OSError:
            return False
    wait_for(there, timeout_s, why=f"{address}:{port} to answer")


def die_with_us():
    """In the child: ends when the tests end, however that is."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Process:
    def __init__(self, argv, log, **kw):
        self.log_path = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                            preexec_fn=die_with_us, **kw)
        atexit.register(self.stop)   # Postfix changes user, which forgets die_with_us

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, timeout_s=10.0):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


# ---- Postfix --------------------------------------------------------------------------

POSTFIX_MASTER = """\
{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A Postfix of its own: takes mail for `domains` and puts it into a Maildir."""

    def __init__(self, folder, domains=("postfix.test",), address="127.0.0.1", port=None, extra=None):
        need_root("Postfix's master wants it")
        program("postfix")
        master = "/usr/lib/postfix/sbin/master"
        if not os.path.exists(master):
            missing(f"no {master}")
        self.folder = str(folder)
        self.etc, self.spool = f"{self.folder}/etc", f"{self.folder}/spool"
        self.boxes = f"{self.folder}/boxes"
        self.address, self.port = address, port or free_port(address)
        owner = pwd.getpwnam("postfix")
        for path in (self.folder, self.etc, self.spool, self.boxes, f"{self.folder}/data"):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o755)
        for path in (self.boxes, f"{self.folder}/data"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.spool,
            "data_directory": f"{self.folder}/data",
            "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin",
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "maillog_file": f"{self.folder}/maillog",
            "maillog_file_prefixes": self.folder,
            "myhostname": "postfix.test",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_protocols": "ipv4",
            "inet_interfaces": "127.0.0.1",   # what master.cf names is what it listens on
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "smtpd_peername_lookup": "no",
            "smtpd_tls_security_level": "none",
            "smtp_dns_support_level": "disabled",
            "virtual_mailbox_domains": ", ".join(domains),
            "virtual_mailbox_base": self.boxes,
            "virtual_mailbox_maps": "static:all/",   # one box; Delivered-To says whose
            "virtual_uid_maps": f"static:{owner.pw_uid}",
            "virtual_gid_maps": f"static:{owner.pw_gid}",
            "virtual_minimum_uid": "1",
            "virtual_mailbox_limit": "0",
            "message_size_limit": "52428800",
            "smtpd_client_connection_count_limit": "0",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
        }
        settings.update(extra or {})
        with open(f"{self.etc}/main.cf", "w", encoding="ascii") as f:
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())
        with open(f"{self.etc}/master.cf", "w", encoding="ascii") as f:
            f.write(POSTFIX_MASTER.format(listen=f"{address}:{self.port}"))
        run(["postfix", "-c", self.etc, "check"])
        self.process = Process([master, "-c", self.etc, "-d"], f"{self.folder}/master.log")
        try:
            wait_port(address, self.port)
        except AssertionError:
            raise AssertionError(f"Postfix did not start:\n{self.process.log()}\n{self.log()}") from None

    def log(self):
        try:
            with open(f"{self.folder}/maillog", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def mail(self, user):
        """user: a local part."""
        to = f"Delivered-To: {user}@".encode("latin-1")
        return [m for m in maildir(f"{self.boxes}/all") if any(line.startswith(to) for line in m[:2000].split(b"\n"))]

    def wait_mail(self, user, count=1, timeout_s=15.0):
        wait_for(lambda: len(self.mail(user)) >= count, timeout_s, step_s=0.05,
                 why=lambda: f"{count} messages for {user} at Postfix; log:\n{self.log()[-3000:]}")
        return self.mail(user)

    def stop(self):
        self.process.stop()


# ---- smtp-sink, smtp-source ----------------------------------------------------------------

class SmtpSink:
    """Postfix's smtp-sink with options; with dump=True its messages are read back."""

    def __init__(self, folder, *options, address="127.0.0.1", port=None, dump=False):
        binary = program("smtp-sink", "postfix")
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o777)
        self.address, self.port = address, port or free_port(address)
        argv = [binary] + (["-u", "nobody"] if os.geteuid() == 0 else [])
        if dump:
            argv += ["-d", f"{self.folder}/%M."]
        argv += list(options) + [f"{address}:{self.port}", "100"]
        self.process = Process(argv, f"{self.folder}/sink.log", cwd=self.folder)
        wait_port(address, self.port)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        return False

    def messages(self):
        """Finished ones: the dump's own header stripped."""
        out = []
        for name in sorted(os.listdir(self.folder)):
            if name == "sink.log":
                continue
            with open(os.path.join(self.folder, name), "rb") as f:
                text = f.read()
            if b"X-Mail-Args" in text:
                out.append(text)
        return out

    def stop(self):
        self.process.stop()


def smtp_source(port, *options, address="127.0.0.1", timeout_s=60.0, ok=0):
    return run([program("smtp-source", "postfix")] + list(options) + [f"inet:{address}:{port}"], timeout_s=timeout_s, ok=ok)


# ---- nsd ---------------------------------------------------------------------------------------

class Nsd:
    """A real name server with the zones given: {"test": "text of the zone below its SOA and NS"}."""

    def __init__(self, folder, zones, address="127.0.0.1", port=None):
        binary = program("nsd")
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.address, self.port = address, port or free_port(address)
        conf = f"""\
server:
	ip-address: {address}@{self.port}
	username: ""
	chroot: ""
	zonesdir: "{self.folder}"
	database: ""
	pidfile: "{self.folder}/nsd.pid"
	xfrdfile: "{self.folder}/xfrd.state"
	xfrdir: "{self.folder}"
	zonelistfile: "{self.folder}/zone.list"
	logfile: "{self.folder}/nsd.log"
	server-count: 1
	hide-version: yes
	rrl-ratelimit: 0
remote-control:
	control-enable: no
"""
        for name, text in zones.items():
            conf += f'zone:\n\tname: "{name}"\n\tzonefile: "{name}.zone"\n'
            with open(f"{self.folder}/{name}.zone", "w", encoding="ascii") as f:
                f.write(f"$ORIGIN {name}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n{text}\n")
        with open(f"{self.folder}/nsd.conf", "w", encoding="ascii") as f:
            f.write(conf)
        self.process = Process([binary, "-d", "-c", f"{self.folder}/nsd.conf"], f"{self.folder}/out.log")
        try:
            wait_port(address, self.port)
        except AssertionError:
            raise AssertionError(f"nsd did not start:\n{self.process.log()}") from None

    @property
    def conf(self):
        return f"dns_server {self.address}:{self.port}"

    def stop(self):
        self.process.stop()


VERSIONS = {
    "postfix": ["postconf", "-d", "-h", "mail_version"],
    "smtp-sink": ["postconf", "-d", "-h", "mail_version"],
    "smtp-source": ["postconf", "-d", "-h", "mail_version"],
    "nsd": ["nsd", "-v"],
    "swaks": ["swaks", "--version"],
    "curl": ["curl", "--version"],
}


def version(name):
    """The first word of what it says that begins with a digit; "missing"; or nothing."""
    argv = VERSIONS.get(name)
    if argv is None:
        return ""
    path = shutil.which(argv[0], path=PATH)
    if path is None:
        return "missing"
    done = subprocess.run([path] + argv[1:], capture_output=True, timeout=20, check=False)
    return next((word for word in (done.stdout + done.stderr).decode(errors="replace").split() if word[0].isdigit()), "")


def ran_against():
    """What was really used: for the end of the run."""
    words = [f"{name} {version(name)}".strip() for name in sorted(used) if name in VERSIONS]
    return "; ".join(words + [f"Python smtplib {platform.python_version()}", "scripted next hop", "scripted DNS server"])
