# SPDX-License-Identifier: BSD-2-Clause
"""A next hop that does what the script says.

script: stage -> what to do there.  Stages: banner ehlo helo mail rcpt data dot rset noop quit other.
What to do is one of
    "250 text" or b"raw octets"      the reply (a str gets its CRLF, octets go as they are)
    DROP, RESET, HANG                end the connection, reset it, say nothing until the peer leaves
    (Slowly(text, pause_s))          one octet at a time
    Then(text, DROP)                 the reply, and then that
    Wait(seconds, what)              later
    a function(session, line)        which returns one of these
    a list of these                  one per occurrence (over all sessions), the last for ever
"""

import re
import socket
import struct
import threading
import time

from pipit import free_port, wait_for


class _Word:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


DROP, RESET, HANG = _Word("DROP"), _Word("RESET"), _Word("HANG")


class Slowly:
    def __init__(self, text, pause_s=0.01):
        self.text, self.pause_s = text, pause_s


class Then:
    def __init__(self, text, after):
        self.text, self.after = text, after


class Wait:
    def __init__(self, seconds, what):
        self.seconds, self.what = seconds, what


class Transaction:
    def __init__(self, sender, rcpts, raw, session):
        self.sender, self.rcpts, self.raw, self.session = sender, rcpts, raw, session
        self.params = ""
        self.at = self.replied_at = time.monotonic()
        self.wall = time.time()
        self.followed = False      # the client went on afterwards: it had our reply

    @property
    def data(self):
        """The message: dots undone, without the final dot."""
        body = b"\r\n" + self.raw
        assert body.endswith(b"\r\n.\r\n")
        return body[:-3].replace(b"\r\n..", b"\r\n.")[2:]


class Session:
    def __init__(self, sink, sock, number):
        self.sink, self.sock, self.number = sink, sock, number
        self.buffer = b""
        self.commands = []
        self.reads = []        # sizes of the pieces in which octets came, per command stage
        self.sender, self.params, self.rcpts = None, "", []
        self.last = None       # the transaction that was taken last
        self.ended = None      # how: "quit", "closed", "reset", "dropped"
        self.peer = None


DEFAULTS = {
    "banner": "220 sink.test ESMTP",
    "ehlo": b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
    "helo": "250 sink.test",
    "mail": "250 2.1.0 fine",
    "rcpt": "250 2.1.5 fine",
    "data": "354 go on",
    "dot": "250 2.0.0 taken",
    "rset": "250 2.0.0 forgotten",
    "noop": "250 2.0.0 here",
    "quit": "221 2.0.0 bye",
    "other": "500 5.5.1 what",
}


class _End(Exception):
    pass


class Sink:
    def __init__(self, script=None, address="127.0.0.1", port=None):
        self.script = dict(script or {})
        self.address = address
        self.port = port or free_port(address)
        self.lock = threading.Lock()
        self.counts = {}
        self.sessions = []
        self.transactions = []
        self.open = 0
        self.open_most = 0
        self.bounds = 60.0
        self.takes_anything = False    # 354 even without a recipient, as some servers do
        self.listener = None
        self._listen()

    def _listen(self):
        self.stopping = False
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.address, self.port))
        self.listener.listen(128)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
        return False

    def close(self):
        """As if the host went down: nothing listens, what is open ends."""
        self.stopping = True
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        for s in list(self.sessions):
            try:
                s.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def reopen(self):
        self._listen()

    # ---- what tests ask ----------------------------------------------------------

    def wait(self, count=1, timeout_s=10.0):
        wait_for(lambda: len(self.transactions) >= count, timeout_s,
                 why=lambda: f"{count} messages at the next hop; {len(self.transactions)} came, "
                             f"sessions {[s.commands for s in self.sessions[-5:]]}")
        return self.transactions

    def wait_sessions(self, count=1, timeout_s=10.0):
        wait_for(lambda: len(self.sessions) >= count, timeout_s, why=lambda: f"{count} sessions, {len(self.sessions)} came")
        return self.sessions

    def wait_idle(self, timeout_s=10.0):
        wait_for(lambda: self.open == 0, timeout_s, why="all sessions to end")

    def wait_for_message(self, m, timeout_s=10.0):
        """The transaction that brought the message with m's Message-ID."""
        id_ = re.search(rb"(?im)^message-id:.*?\r\n", m)[0]
        return wait_for(lambda: next((t for t in self.transactions if id_ in t.raw), None), timeout_s, why="the message at the next hop")

    # ---- the server ----------------------------------------------------------------

    def _accept(self, listener):
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            with self.lock:
                session = Session(self, sock, len(self.sessions))
                session.peer = peer
                self.sessions.append(session)
                self.open += 1
                self.open_most = max(self.open_most, self.open)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, s):
        s.sock.settimeout(self.bounds)
        s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._say(s, "banner", b"")
            while self._command(s):
                pass
        except _End as e:
            s.ended = str(e)
        except ConnectionResetError:
            s.ended = "reset"
        except OSError as e:
            s.ended = f"closed ({e})"
        finally:
            try:
                s.sock.close()
            except OSError:
                pass
            with self.lock:
                self.open -= 1

    def _line(self, s):
        while b"\r\n" not in s.buffer:
            self._more(s)
        line, s.buffer = s.buffer.split(b"\r\n", 1)
        return line

    def _more(self, s):
        got = s.sock.recv(65536)
        if not got:
            raise _End("closed")
        s.reads.append(got)
        s.buffer += got

    def _command(self, s):
        line = self._line(s)
        s.commands.append(line)
        if s.last is not None:
            s.last.followed = True
        verb = line.split(b" ")[0].upper().decode("latin-1").lower()
        stage = verb if verb in DEFAULTS and verb not in ("banner", "dot", "other") else "other"
        if stage == "mail":
            inside = line.partition(b"<")[2]
            cut = inside.rpartition if b'"' in inside else inside.partition
            sender, _, params = (x.decode("latin-1") for x in cut(b">"))
        if stage == "rset":
            s.sender, s.rcpts = None, []
        # As servers do: nothing goes on that did not begin.
        if stage == "rcpt" and s.sender is None:
            s.sock.sendall(b"503 5.5.1 MAIL first\r\n")
            return True
        if stage == "data" and not s.rcpts and not self.takes_anything:
            s.sock.sendall(b"554 5.5.1 no valid recipients\r\n")
            return True
        code = self._say(s, stage, line)
        if stage == "mail" and code // 100 == 2:
            s.sender, s.params, s.rcpts = sender, params, []
        if stage == "rcpt" and code // 100 == 2:
            s.rcpts.append(line.partition(b"<")[2].rpartition(b">")[0].decode("latin-1"))
        if stage == "data" and code == 354:
            self._body(s)
        if stage == "quit":
            raise _End("quit")
        return True

    def _body(self, s):
        at = 0
        while True:
            end = (b"\r\n" + s.buffer).find(b"\r\n.\r\n", max(0, at - 8))
            if end >= 0:
                break
            at = len(s.buffer)
            self._more(s)
        raw, s.buffer = s.buffer[:end + 3], s.buffer[end + 3:]
        t = Transaction(s.sender, s.rcpts, raw, s)
        t.params = s.params
        s.sender, s.rcpts = None, []

        def taken(code):
            if code // 100 == 2:
                t.replied_at, t.wall = time.monotonic(), time.time()
                s.last = t
                with self.lock:
                    self.transactions.append(t)
        self._say(s, "dot", raw, before=taken)

    # ---- replies --------------------------------------------------------------------

    def _what(self, stage):
        what = self.script.get(stage, DEFAULTS[stage])
        if isinstance(what, list):
            with self.lock:
                n = self.counts.get(stage, 0)
                self.counts[stage] = n + 1
            what = what[min(n, len(what) - 1)]
        return what

    def _say(self, s, stage, line, before=None):
        """The code that was said.  before(code) runs just before it is."""
        return self._act(s, self._what(stage), line, before)

    def _act(self, s, what, line, before):
        while callable(what) and not isinstance(what, (_Word, Slowly, Then, Wait)):
            what = what(s, line)
        if isinstance(what, Wait):
            time.sleep(what.seconds)
            return self._act(s, what.what, line, before)
        if isinstance(what, Then):
            self._act(s, what.text, line, before)
            return self._act(s, what.after, line, None)
        if isinstance(what, _Word):
            return self._end(s, what)
        if isinstance(what, Slowly):
            octets = _octets(what.text)
            for i in range(len(octets)):
                s.sock.sendall(octets[i:i + 1])
                time.sleep(what.pause_s)
        else:
            octets = _octets(what)
        code = _code(octets)
        if before:
            before(code)
        if not isinstance(what, Slowly):
            s.sock.sendall(octets)
        return code

    def _end(self, s, what):
        if what is HANG:
            end = time.monotonic() + self.bounds
            while time.monotonic() < end and not self.stopping:
                s.sock.settimeout(0.5)
                try:
                    if not s.sock.recv(65536):
                        raise _End("closed")
                except socket.timeout:
                    pass
            raise _End("hung")
        if what is RESET:
            s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _End("dropped")


def _octets(what):
    return what if isinstance(what, bytes) else what.encode("utf-8") + b"\r\n"


def _code(octets):
    if not octets.endswith(b"\n"):
        return 0
    last = octets.rstrip(b"\r\n").split(b"\n")[-1]
    return int(last[:3]) if last[:3].isdigit() else 0
