# SPDX-License-Identifier: BSD-2-Clause
"""Mail stays here: Maildirs, patterns, aliases, and who is refused."""

import os
import pwd
import re
import stat
import sys

import pytest

import peers
from smtp import Smtp, assert_same, message, submit


def rcpt(p, address, sender="ada@client.test", source=None):
    with Smtp(p.port, source=source, helo="client.test") as c:
        assert c.cmd(f"MAIL FROM:<{sender}>") == 250
        return c.cmd(f"RCPT TO:<{address}>")


def test_maildir_is_made_and_files_are_private(make):
    p = make()
    m = message(b"x\r\n.\r\n")
    assert submit(p.port, "ada@client.test", "ada@here.test", m) == 250
    got = p.wait_mail("ada")[0]
    assert_same(got, m)
    assert b"\r" not in got
    assert got.startswith(b"Return-Path: <ada@client.test>\n")
    box = f"{p.maildirs}/ada"
    assert sorted(os.listdir(box)) == ["cur", "new", "tmp"]
    assert os.listdir(f"{box}/tmp") == []
    name, = os.listdir(f"{box}/new")
    assert stat.S_IMODE(os.stat(f"{box}/new/{name}").st_mode) == 0o600
    assert re.fullmatch(r"[A-Za-z0-9._,=+-]+", name)


def test_root_becomes_the_service_user(make, folder):
    """Started by root: the loop is another user, who cannot write the mailbox; the helper can."""
    peers.need_root("to become another user")
    p = make(f"local_domain here.test\ndeliver *@here.test maildir {folder}/homes/%u/Maildir users=system\n"
             "postmaster games@here.test", start=False, options=["--user", "nobody"])
    os.makedirs(f"{folder}/homes/games")
    os.chown(f"{folder}/homes/games", pwd.getpwnam("games").pw_uid, pwd.getpwnam("games").pw_gid)
    p.start()
    with open(f"/proc/{p.process.pid}/status", encoding="ascii") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    nobody = pwd.getpwnam("nobody")
    assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
    assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
    assert status["Groups"].split() in ([], [str(nobody.pw_gid)])
    assert int(status["CapEff"], 16) == 1 << 10   # CAP_NET_BIND_SERVICE, for a reload
    assert submit(p.port, "ada@client.test", "games@here.test", message()) == 250
    p.wait_empty()
    assert len(os.listdir(f"{folder}/homes/games/Maildir/new")) == 1


def test_maildir_names_are_unique(make):
    p = make()
    peers.smtp_source(p.port, "-s", "8", "-m", "80", "-f", "ada@client.test", "-t", "ada@here.test", "-M", "client.test")
    p.wait_mail("ada", 80)
    p.wait_empty()
    assert len(p.mail("ada")) == 80


def test_maildir_as_the_right_user(make, folder):
    """users=system: the mail is its user's, in a folder that only that user may write."""
    peers.need_root("delivery as another user")
    for user in ("games", "mail"):
        os.makedirs(f"{folder}/homes/{user}")
        os.chown(f"{folder}/homes/{user}", pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        os.chmod(f"{folder}/homes/{user}", 0o700)
    p = make(f"local_domain here.test\ndeliver *@here.test maildir {folder}/homes/%u/Maildir users=system\npostmaster games@here.test")
    for user in ("games", "mail"):
        assert submit(p.port, "ada@client.test", f"{user}@here.test", message()) == 250
    p.wait_empty()
    for user in ("games", "mail"):
        box = f"{folder}/homes/{user}/Maildir"
        name, = os.listdir(f"{box}/new")
        for path in (box, f"{box}/new", f"{box}/tmp", f"{box}/new/{name}"):
            assert pwd.getpwuid(os.stat(path).st_uid).pw_name == user, path
    assert rcpt(p, "no-such-user-here@here.test") == "550 5.1.1"
    assert rcpt(p, "root@here.test") in (250, 550)


def test_patterns(make):
    p = make("""
        local_domain here.test other.test
        deliver ada@here.test maildir mail/only-ada
        deliver *@here.test maildir mail/%d/%u
        deliver *@other.test maildir mail/all/%r
        """)
    for to in ("ada@here.test", "bob@here.test", "cid@other.test", "ADA@HERE.TEST"):
        assert submit(p.port, "ada@client.test", to, message()) == 250
    p.wait_empty()
    assert len(p.mail("only-ada")) == 2
    assert len(p.mail("here.test/bob")) == 1
    assert len(p.mail("all/cid@other.test")) == 1


def test_unknown_user(make):
    p = make("deliver ada@here.test maildir mail/ada\npostmaster ada@here.test")
    assert rcpt(p, "nobody@here.test") == "550 5.1.1"
    assert rcpt(p, "ada@here.test") == 250
    assert rcpt(p, "postmaster@here.test") == 250
    assert rcpt(p, "postmaster") == 250
    assert rcpt(p, "POSTMASTER") == 250


def test_relaying_denied(make):
    p = make("relay_from 127.0.0.7/32")
    assert rcpt(p, "bob@there.test") == "550 5.7.1"
    for sneaky in ("bob%there.test@here.test", "@here.test:bob@there.test", "bob!there.test@here.test", '"bob@there.test"@here.test',
                   "bob@there.test@here.test", "bob@[127.0.0.1]"):
        r = rcpt(p, sneaky)
        if r == 250:
            p.control("queue")   # taken as a local user of that odd name: it must not leave
    assert rcpt(p, "bob@there.test", source="127.0.0.7") == 250
    assert rcpt(p, "ada@here.test") == 250


CLIENT = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
f = s.makefile("rb")
f.readline()
for line in ("HELO x.test", "MAIL FROM:<ada@client.test>", "RCPT TO:<bob@there.test>", "RCPT TO:<ada@here.test>"):
    s.sendall(line.encode() + b"\\r\\n")
    print(f.readline().decode().strip())
"""


def test_relaying_denied_by_default_to_a_stranger(make):
    """Nothing said of relay_from: loopback may, an address of the network may not.  In a network namespace of its own."""
    peers.need_root("a network namespace")
    name = f"pipit-e2e-{os.getpid()}"
    if peers.run([peers.program("ip", "iproute2"), "netns", "add", name]).returncode != 0:
        peers.missing("no network namespaces here")
    try:
        inside = [peers.program("ip", "iproute2"), "netns", "exec", name]
        peers.run(inside + ["ip", "link", "set", "lo", "up"], ok=0)
        peers.run(inside + ["ip", "address", "add", "192.0.2.1/32", "dev", "lo"], ok=0)
        p = make(start=False, limit=inside)
        p.write_config(f"""
            hostname mx.here.test
            listen 0.0.0.0:{p.port}
            local_domain here.test
            deliver *@here.test maildir {p.maildirs}/%u
            dns_server 127.0.0.1:9
            queue queue 8M
            control control""", usual=False)
        p.start(wait=False)
        p.wait_log("listening")

        def talk(address):
            return peers.run(inside + [sys.executable, "-c", CLIENT, address, str(p.port)], ok=0).stdout.decode().splitlines()
        stranger, loopback = talk("192.0.2.1"), talk("127.0.0.1")
        assert stranger[2].startswith("550 5.7.1") and stranger[3].startswith("250"), stranger
        assert loopback[2].startswith("250"), loopback
        p.stop()
    finally:
        peers.run(["ip", "netns", "delete", name])


def test_aliases(make, make_sink):
    s = make_sink()
    p = make(f"""
        route there.test 127.0.0.1:{s.port}
        alias root ada@here.test
        alias team@here.test ada@here.test bob@here.test eve@there.test ada@here.test
        alias chain1 chain2@here.test
        alias chain2 chain3@here.test
        alias chain3 cid@here.test
        alias Mixed.Case ada@here.test
        """)
    assert submit(p.port, "x@client.test", "root@here.test", message()) == 250
    p.wait_mail("ada", 1)
    assert submit(p.port, "x@client.test", "team@here.test", message()) == 250
    s.wait(1)
    assert s.transactions[0].rcpts == ["eve@there.test"] and s.transactions[0].sender == "x@client.test"
    p.wait_mail("bob", 1)
    p.wait_mail("ada", 2)
    assert submit(p.port, "x@client.test", "chain1@here.test", message()) == 250
    p.wait_mail("cid", 1)
    assert submit(p.port, "x@client.test", "mixed.case@here.test", message()) == 250
    p.wait_mail("ada", 3)
    p.wait_empty()
    assert len(p.mail("ada")) == 3, "the same recipient twice is one copy"


def test_alias_loop(make):
    """Refused when the configuration is read, or when it is used; never followed for ever."""
    p = make("alias one two@here.test\nalias two one@here.test", start=False)
    done = p.cli("check")
    if done.returncode == 0:
        p.start()
        r = rcpt(p, "one@here.test")
        assert r == "550 5.4.6" or r == 250
    else:
        assert done.returncode == 78 and b"one" in done.stdout + done.stderr


def test_alias_keeps_relaying_denied(make, make_sink):
    """Strangers may use an alias that leads out; that is what it is for."""
    s = make_sink()
    p = make(f"relay_from 127.0.0.7/32\nroute there.test 127.0.0.1:{s.port}\nalias out eve@there.test")
    assert submit(p.port, "x@client.test", "out@here.test", message()) == 250
    s.wait()
    assert rcpt(p, "eve@there.test") == "550 5.7.1"


def test_aliases_file_and_newaliases(make):
    p = make("aliases aliases", start=False)
    path = f"{p.folder}/aliases"

    def write(text):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(path, 0o644)
    write("# a comment\nroot: ada\nlist: ada,\n  bob@here.test,\n\tcid\n")
    p.start()
    assert submit(p.port, "x@client.test", "root@here.test", message()) == 250
    p.wait_mail("ada")
    assert submit(p.port, "x@client.test", "list@here.test", message()) == 250
    p.wait_mail("cid")
    p.wait_mail("bob")
    write("root: bob\n")
    before = len(p.log())
    p.cli(name="newaliases", check=0)
    p.wait_log("reloaded", since=before)
    assert submit(p.port, "x@client.test", "root@here.test", message()) == 250
    p.wait_mail("bob", 2)
    write("root: |/bin/false\nok: ada\n")
    before = len(p.log())
    assert p.cli(name="newaliases").returncode != 0
    p.reload()
    p.wait_log("reload", since=before)
    assert submit(p.port, "x@client.test", "root@here.test", message()) == 250
    p.wait_empty()
    assert len(p.mail("bob")) == 3, "a broken aliases file at reload: the old one stays"


@pytest.mark.parametrize("target", ["|/usr/bin/touch {0}", "/{0}", ":include:{0}", "\"|/usr/bin/touch {0}\""])
def test_alias_never_runs_or_writes(make, folder, target):
    trap = f"{folder}/trap"
    p = make("aliases aliases", start=False)
    with open(f"{p.folder}/aliases", "w", encoding="ascii") as f:
        f.write(f"root: {target.format(trap)}\n")
    os.chmod(f"{p.folder}/aliases", 0o644)
    done = p.cli("check")
    assert done.returncode == 78, "such a target is told, not ignored"
    assert not os.path.exists(trap)


@pytest.mark.parametrize("local", ["../../../tmp/x", "..", ".", ".hidden", "a/b", "a/../b", "%u", "a%d", "-rf", "a\x01b", '"a/b"', '"../x"'])
def test_local_part_does_not_climb_out(make, local):
    """A path is made of an address: only harmless ones."""
    p = make()
    with Smtp(p.port, helo="client.test") as c:
        c.cmd("MAIL FROM:<ada@client.test>")
        r = c.cmd(f"RCPT TO:<{local}@here.test>")
        if r == 250:
            assert c.cmd("DATA") == 354
            c.send(message() + b".\r\n")
            c.reply()
    p.wait_log(r"refused|accepted|^", 5)
    try:
        p.wait_empty(3)
    except AssertionError:
        pass   # kept or deferred is as good
    made = {os.path.relpath(os.path.join(root, d), p.folder) for root, dirs, _ in os.walk(p.folder) for d in dirs}
    assert all(d in ("mail", "spool") or d.startswith("mail/") for d in made), made
    assert not os.path.exists("/tmp/x/new")
    for d in made:
        assert d.count("/") <= 2, d


def test_maildir_cannot_be_written(make):
    """The disk's fault is not the sender's: it waits, and goes when it can."""
    p = make(start=False)
    with open(p.maildirs, "w", encoding="ascii") as f:
        f.write("a file where a folder should be\n")
    p.start()
    assert submit(p.port, "x@client.test", "ada@here.test", message()) == 250
    m = p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    assert m["rcpt_rows"][0]["state"] == "pending"
    os.remove(p.maildirs)
    if os.geteuid() == 0 and p.process:
        os.makedirs(p.maildirs)
        os.chmod(p.maildirs, 0o1777)   # open to all without the sticky bit is what root must not use
    p.control("retry all")
    p.wait_mail("ada")
    p.wait_empty()


def test_big_maildir_delivery_does_not_block_the_loop(make):
    """While a big message is being written, others are served."""
    p = make("queue queue 64M\nmax_message_size 30M")
    m = message(b"0123456789" * 7 + b"\r\n" + (b"z" * 70 + b"\r\n") * 200_000)
    assert submit(p.port, "x@client.test", "big@here.test", m) == 250
    for n in range(5):
        assert submit(p.port, "x@client.test", f"small{n}@here.test", message(), timeout_s=3) == 250
    assert_same(p.wait_mail("big")[0], m)


def test_postmaster_is_reached_without_domain(make):
    p = make("postmaster boss@here.test")
    assert submit(p.port, "x@client.test", "postmaster", message()) == 250
    assert submit(p.port, "x@client.test", "postmaster@here.test", message()) == 250
    p.wait_empty()
    assert len(p.mail("boss")) + len(p.mail("postmaster")) == 2


def test_empty_configuration_is_a_safe_loopback_mta(make):
    """A file with no lines at all: `check` takes it."""
    p = make(start=False)
    p.write_config("", usual=False)
    p.cli("check", check=0)
