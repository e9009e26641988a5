# SPDX-License-Identifier: BSD-2-Clause
"""Which host gets it: MX, its exceptions, and a DNS that fails or lies."""

import struct
import time

import pytest

import lyingdns as lies
from lyingdns import A, AAAA, MX, a, aaaa, cname, encode_name, mx
from pipit import free_port
from sink import DROP, Then
from smtp import message, submit

ADDRESSES = ["127.0.0.31", "127.0.0.32", "127.0.0.33", "127.0.0.34"]


@pytest.fixture
def hosts(make_sink):
    """Next hops on several addresses with one port, as the real ones have."""
    port = free_port(ADDRESSES[0], also=ADDRESSES[1:] + ["::1"])

    def maker(*scripts, addresses=None):
        return [make_sink(script, address=address, port=port) for script, address in zip(scripts, addresses or ADDRESSES)]
    maker.port = port
    return maker


def start(make, dns, hosts, more=""):
    return make(f"{dns.conf}\nmx_port {hosts.port}\n{more}")


def send(p, to="bob@there.test", sender="sender@here.test"):
    assert submit(p.port, sender, to, message()) == 250


def host_rows(p, domain):
    rows = p.control(f"resolve {domain}")
    return rows[0][1]["way"], [(f["name"].rstrip("."), f["addresses"]) for k, f in rows if k == "host"]


def test_preference_decides(make, make_dns, hosts):
    first, second = hosts({}, {})
    dns = make_dns({"there.test": [mx(20, "m2.test"), mx(10, "m1.test")], "m1.test": [a(first.address)], "m2.test": [a(second.address)]})
    p = start(make, dns, hosts)
    for _ in range(3):
        send(p)
    first.wait(3)
    assert not second.transactions
    way, found = host_rows(p, "there.test")
    assert way == "mx" and [n for n, _ in found] == ["m1.test", "m2.test"]


@pytest.mark.parametrize("how", ["refused", "drop", "421", "timeout-free-reset"])
def test_failover_to_the_second(make, make_dns, hosts, how):
    first, second = hosts({"banner": {"drop": DROP, "421": Then("421 4.3.2 no", DROP)}.get(how, "220 x")}, {})
    if how in ("refused", "timeout-free-reset"):
        first.close()
    dns = make_dns({"there.test": [mx(10, "m1.test"), mx(20, "m2.test")], "m1.test": [a(first.address)], "m2.test": [a(second.address)]})
    p = start(make, dns, hosts)
    send(p)
    second.wait()
    p.wait_empty()


def test_equal_preference_is_shuffled(make, make_dns, hosts):
    some = hosts({}, {}, {})
    dns = make_dns({"there.test": [mx(10, f"m{n}.test") for n in range(3)], **{f"m{n}.test": [a(s.address)] for n, s in enumerate(some)}})
    p = start(make, dns, hosts)
    seen = {host_rows(p, "there.test")[1][0][0] for _ in range(40)}
    assert seen == {"m0.test", "m1.test", "m2.test"}


def test_second_address_of_a_host(make, make_dns, hosts):
    dead, good = hosts({}, {})
    dead.close()
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(dead.address), a(good.address)]})
    p = start(make, dns, hosts)
    for _ in range(3):
        send(p)
    good.wait(3)


def test_permanent_refusal_is_not_followed_by_the_next_host(make, make_dns, hosts):
    first, second = hosts({"rcpt": "550 5.1.1 no"}, {})
    dns = make_dns({"there.test": [mx(10, "m1.test"), mx(20, "m2.test")], "m1.test": [a(first.address)], "m2.test": [a(second.address)]})
    p = start(make, dns, hosts)
    send(p)
    assert b"5.1.1" in p.wait_mail("sender")[0]
    assert not second.sessions


def test_implicit_mx(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [a(s.address)]})
    p = start(make, dns, hosts)
    send(p)
    s.wait()
    assert host_rows(p, "there.test")[1] == [("there.test", s.address)]


def test_no_implicit_mx_where_mx_hosts_have_no_address(make, make_dns, hosts):
    """RFC 5321 5.1: with MX records the domain's own address is not used."""
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "gone.test"), a(s.address)]})
    p = start(make, dns, hosts)
    send(p)
    p.wait_log("deferred|failed")
    assert not s.sessions


def test_null_mx(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(0, "."), a(s.address)]})
    p = start(make, dns, hosts)
    send(p)
    assert b"5.1.10" in p.wait_mail("sender")[0]
    p.wait_empty()
    assert not s.sessions
    done = p.cli("resolve", "there.test")
    assert done.returncode != 0 and b"5.1.10" in done.stdout + done.stderr


def test_no_such_domain(make, make_dns, hosts):
    dns = make_dns({})
    p = start(make, dns, hosts)
    send(p)
    bounce = p.wait_mail("sender")[0]
    assert b"Status: 5.1.2" in bounce or b"Status: 5.4.4" in bounce
    p.wait_empty()


def test_domain_without_any_address(make, make_dns, hosts):
    dns = make_dns({"there.test": [(lies.TXT, 60, b"\x01x")]})
    p = start(make, dns, hosts)
    send(p)
    assert b"Status: 5." in p.wait_mail("sender")[0]


def test_cname_of_the_domain(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [cname("real.test")], "real.test": [mx(10, "m.test")], "m.test": [a(s.address)]})
    p = start(make, dns, hosts)
    send(p)
    s.wait()
    assert s.transactions[0].rcpts == ["bob@there.test"]


def test_cname_of_an_mx_host(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "alias.test")], "alias.test": [cname("m.test")], "m.test": [a(s.address)]})
    p = start(make, dns, hosts)
    send(p)
    s.wait()


def test_cname_answered_alone(make, make_dns, hosts):
    """Some servers give the CNAME and leave its target to the asker."""
    s, = hosts({})
    dns = make_dns({"real.test": [mx(10, "m.test")], "m.test": [a(s.address)]},
                   {"there.test": lambda q: [q.reply([(None,) + cname("real.test")])]})
    p = start(make, dns, hosts)
    send(p)
    s.wait()


@pytest.mark.parametrize("version,first", [("any", None), ("4", "4"), ("6", "6"), ("prefer4", "4"), ("prefer6", "6")])
def test_ip_version(make, make_dns, hosts, version, first):
    four, six = hosts({}, {}, addresses=[ADDRESSES[0], "::1"])
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(four.address), aaaa("::1")]})
    p = start(make, dns, hosts, f"ip_version {version}")
    for _ in range(3):
        send(p)
    p.wait_empty()
    if first == "4":
        assert len(four.transactions) == 3 and not six.transactions
    if first == "6":
        assert len(six.transactions) == 3 and not four.transactions
    addresses = host_rows(p, "there.test")[1][0][1].split(",")
    assert set(addresses) == {"4": {four.address}, "6": {"::1"}}.get(version, {four.address, "::1"})


def test_ip_version_6_falls_back_where_only_preferred(make, make_dns, hosts):
    four, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(four.address), aaaa("::1")]})
    p = start(make, dns, hosts, "ip_version prefer6")
    send(p)
    four.wait()


def test_we_are_the_best_mx(make, make_dns, hosts):
    dns = make_dns({"there.test": [mx(10, "mx.here.test"), mx(20, "m2.test")], "mx.here.test": [a("127.0.0.1")], "m2.test": [a(ADDRESSES[0])]})
    p = start(make, dns, hosts)
    send(p)
    assert b"5.4.6" in p.wait_mail("sender")[0]
    p.wait_empty()


def test_we_are_the_second_mx(make, make_dns, hosts):
    """Only better hosts are tried; with those down it waits, it does not go to ourselves or worse."""
    first, third = hosts({}, {})
    first.close()
    dns = make_dns({"there.test": [mx(10, "m1.test"), mx(20, "mx.here.test"), mx(30, "m3.test")],
                    "m1.test": [a(first.address)], "m3.test": [a(third.address)], "mx.here.test": [a("127.0.0.1")]})
    p = start(make, dns, hosts)
    send(p)
    p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1)
    assert not third.sessions
    first.reopen()
    p.control("retry all")
    first.wait()


# ---- outage: defers, never bounces ------------------------------------------------------

OUTAGES = {
    "servfail": lies.servfail, "refused": lies.rcode(lies.REFUSED), "notimp": lies.rcode(lies.NOTIMP),
    "formerr": lies.rcode(lies.FORMERR), "junk": lies.junk, "junk-after-header": lies.junk_after_header, "half": lies.half,
    "header-only": lies.header_only, "empty": lies.empty, "query-back": lies.query_back, "wrong-id": lies.wrong_id,
    "wrong-case": lies.wrong_case, "wrong-question": lies.wrong_question, "no-question": lies.no_question,
    "cname-to-self": lies.cname_to_self, "cname-ring": lies.cname_ring(3), "silence": lies.silence,
    "nxdomain-with-wrong-id": lambda q: [q.reply((), lies.NXDOMAIN, id_=q.id ^ 1)],
    "rcode-15": lies.rcode(15),
}


@pytest.mark.parametrize("name", OUTAGES)
@pytest.mark.limit(40)
def test_dns_outage_defers(make, make_dns, hosts, name):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]}, {"*": OUTAGES[name]},
                   tcp_lies={"*": OUTAGES[name]})
    p = start(make, dns, hosts)
    send(p, "bob@there.test")
    m = p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1, timeout_s=25)
    assert m["rcpt_rows"][0]["state"] == "pending"
    assert m["rcpt_rows"][0]["code"][:1] in ("4", "0")
    assert not p.mail("sender")
    dns.lies.clear()
    dns.tcp_lies.clear()
    if name.startswith("cname"):
        time.sleep(5.5)   # what was said lives five seconds at least
    p.control("retry all")
    s.wait(timeout_s=15)
    p.wait_empty()
    assert not p.mail("sender")


def test_no_dns_at_all(make, hosts):
    """Nothing listens there."""
    p = make(f"dns_server 127.0.0.1:{free_port()}")
    send(p)
    m = p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1, timeout_s=25)
    assert m["rcpt_rows"][0]["state"] == "pending"
    assert not p.mail("sender")
    done = p.cli("resolve", "there.test", timeout_s=30)
    assert done.returncode == 75 or (done.returncode != 0 and b"4.4.3" in done.stdout + done.stderr)


def test_address_of_the_mx_host_fails(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]}, {"m.test": lies.servfail})
    p = start(make, dns, hosts)
    send(p)
    m = p.wait_queue(lambda m: int(m["rcpt_rows"][0]["attempts"]) >= 1, timeout_s=25)
    assert m["rcpt_rows"][0]["state"] == "pending"


def test_aaaa_fails_and_a_is_there(make, make_dns, hosts):
    """Servers that fail on AAAA are many; the A record does."""
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]}, {("m.test", AAAA): lies.servfail})
    p = start(make, dns, hosts)
    send(p)
    s.wait(timeout_s=15)


def test_second_dns_server(make, make_dns, hosts):
    s, = hosts({})
    zone = {"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]}
    bad, good = make_dns(zone, {"*": lies.servfail}), make_dns(zone)
    p = make(f"dns_server 127.0.0.1:{bad.port} 127.0.0.1:{good.port}\nmx_port {hosts.port}")
    send(p)
    s.wait()
    assert bad.queries and good.queries


def test_first_dns_server_is_silent(make, make_dns, hosts):
    s, = hosts({})
    zone = {"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]}
    bad, good = make_dns(zone, {"*": lies.silence}), make_dns(zone)
    p = make(f"dns_server 127.0.0.1:{bad.port}\ndns_server 127.0.0.1:{good.port}\nmx_port {hosts.port}")
    send(p)
    s.wait(timeout_s=20)


# ---- answers that need work ------------------------------------------------------------------

def test_truncated_then_tcp(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]}, {"*": lies.truncated})
    p = start(make, dns, hosts)
    send(p)
    s.wait()
    assert dns.asked("there.test", MX, tcp=True)


def test_truncated_with_records_is_not_believed(make, make_dns, hosts):
    best, worse = hosts({}, {})
    dns = make_dns({"there.test": [mx(20, "m2.test"), mx(10, "m1.test")], "m1.test": [a(best.address)], "m2.test": [a(worse.address)]},
                   {("there.test", MX): lies.truncated_with_records})
    p = start(make, dns, hosts)
    send(p)
    best.wait()
    assert not worse.sessions


def test_real_big_answer_by_tcp(make, make_dns, hosts):
    """Sixty MX hosts: more than a datagram holds; the best is among what is kept."""
    s, = hosts({})
    zone = {"there.test": [mx(1000 - n, f"a-rather-long-name-of-a-host-number-{n}.there.test") for n in range(60)]}
    zone["a-rather-long-name-of-a-host-number-59.there.test"] = [a(s.address)]
    dns = make_dns(zone)
    p = start(make, dns, hosts)
    send(p)
    s.wait()
    assert dns.asked("there.test", MX, tcp=True)


TRUE_IN_THE_END = {
    "wrong-id-then-truth": lies.wrong_id_then_truth, "wrong-case-then-truth": lies.wrong_case_then_truth,
    "flood-of-wrong-ids-then-truth": lies.flood_of_wrong_ids_then_truth,
    "junk-then-truth": lambda q: lies.junk(q) + [q.truth()],
    "twice": lambda q: [q.truth(), q.truth()],
    "no-ra": lambda q: [q.reply(q.server.records(q)[1], ra=False, aa=True)],
    "no-aa": lambda q: [q.reply(q.server.records(q)[1], aa=False)],
    "silence-once": [lies.silence, lies.truth], "servfail-once": [lies.servfail, lies.truth], "junk-once": [lies.junk, lies.truth],
    "formerr-to-edns": lambda q: [q.reply((), lies.FORMERR) if q.edns else q.truth()],
    "silence-to-edns": lambda q: [] if q.edns else [q.truth()],
}


@pytest.mark.parametrize("name", TRUE_IN_THE_END)
@pytest.mark.limit(40)
def test_the_truth_is_found(make, make_dns, hosts, name):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)], "evil.test": [a("127.0.0.66")]}, {"*": TRUE_IN_THE_END[name]})
    p = start(make, dns, hosts)
    send(p)
    s.wait(timeout_s=25)
    p.wait_empty()
    assert not dns.asked("evil.test"), "a forged answer was believed"


def test_ids_ports_and_case_are_unpredictable(make, make_dns, hosts):
    """CVE-2008-1447, CVE-2021-31228, CVE-2022-30295."""
    dns = make_dns({}, {"*": lies.rcode(lies.NXDOMAIN)})
    p = start(make, dns, hosts)
    for n in range(30):
        try:
            p.control(f"resolve random-name-number-{n}.test")
        except Exception:   # NXDOMAIN is an error row
            pass
    ids = [q.id for q in dns.queries]
    ports = {q.peer[1] for q in dns.queries}
    assert len(ids) >= 30
    assert len(set(ids)) > len(ids) * 0.9
    steps = {(b - a_) & 0xffff for a_, b in zip(ids, ids[1:])}
    assert len(steps) > len(ids) * 0.7
    assert len(ports) > 10
    assert any(q.wire_name != q.wire_name.lower() for q in dns.queries)
    assert len({q.wire_name[:11] for q in dns.queries}) > 10


# ---- attacks by answers --------------------------------------------------------------------------

HOSTILE = {
    "NAME_WRECK-pointer-loop": lies.pointer_loop, "NAME_WRECK-pointer-loop-in-rdata": lies.pointer_loop_in_rdata,
    "NAME_WRECK-pointer-past-end": lies.pointer_past_end, "NAME_WRECK-pointer-forward": lies.pointer_forward,
    "AMNESIA33-label-without-end": lies.label_without_end, "AMNESIA33-count-larger-than-data": lies.count_lies(65535),
    "CVE-2020-8277-huge-record-count": lies.count_lies(1000), "CVE-2020-11901-rdlength-short": lies.rdlength_lies(1),
    "CVE-2020-25928-rdlength-long": lies.rdlength_lies(65535), "CVE-2020-24338-reserved-label-type": lies.label_types_reserved,
    "name-over-255": lies.name_too_long, "CVE-2015-7547-big-udp": lies.big_udp(4000), "rdlength-zero": lies.rdlength_lies(0),
    "many-mx": lies.many_mx(60),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.limit(40)
def test_hostile_answer(make, make_dns, hosts, name):
    """Whatever comes: it lives, the message is kept or goes to a host that was really named, and mail to others goes."""
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "good.test": [a(s.address)], "m.test": [a(s.address)], "evil.test": [a("127.0.0.66")]},
                   {"there.test": HOSTILE[name]})
    p = start(make, dns, hosts)
    send(p)
    p.wait_log("deferred|delivered|dns_failed|failed", 25)
    send(p, "bob@good.test")
    s.wait(timeout_s=10)
    assert p.alive()
    assert not p.mail("sender")


@pytest.mark.parametrize("name,lie", [("half", lies.tcp_half), ("length-lies", lies.tcp_length_lies), ("zero", lies.tcp_zero_length),
                                      ("junk", lies.junk), ("servfail", lies.servfail), ("CVE-2015-7547-big", lambda q: [q.truth() + b"\0" * 60000]),
                                      ("truncated-again", lies.truncated)])
@pytest.mark.limit(40)
def test_hostile_answer_by_tcp(make, make_dns, hosts, name, lie):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "good.test": [a(s.address)], "m.test": [a(s.address)]},
                   {"there.test": lies.truncated}, tcp_lies={"there.test": lie})
    p = start(make, dns, hosts)
    send(p)
    send(p, "bob@good.test")
    s.wait(timeout_s=20)
    p.wait_log("deferred|delivered .*|dns_failed", 25)
    assert p.alive()
    assert not p.mail("sender")


def mx_named(*labels):
    return lambda q: [q.reply([(None, MX, 60, struct.pack(">H", 10) + encode_name(list(labels)))])]


ODD_NAMES = {
    "mxnul": (b"m\0x", b"test"), "mxcrlf": (b"m\r\nRCPT TO:<evil@evil.test>\r\nx", b"test"), "mxlf": (b"m\nx", b"test"), "mxcr": (b"m\rx", b"test"),
    "mxquote": (b'm"x', b"test"), "mxspace": (b"m x", b"test"), "mxescape": (b"\x1b[31mx", b"test"), "mxdot-in-label": (b"m.x", b"test"),
    "mx8bit": (b"m\xfcx", b"test"), "mxangle": (b"m<x>", b"test"), "mxbackslash": (b"m\\x", b"test"), "mxpercent": (b"%s%n", b"test"),
    "mxat": (b"a@b", b"test"), "mx-leading-dash": (b"-x", b"test"), "mx-underscore": (b"_x", b"test"),
}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_CVE_2021_43523_mx_name(make, make_dns, hosts, name):
    """Names that no host has do not reach a log, a command or a file as they are."""
    s, = hosts({})
    dns = make_dns({}, {("there.test", MX): mx_named(*ODD_NAMES[name]), "*": lambda q: [q.reply([(None,) + a(s.address)] if q.qtype == A else ())]})
    p = start(make, dns, hosts)
    send(p)
    p.wait_log("deferred|delivered|failed")
    bad = ODD_NAMES[name][0]
    if name not in ("mx-underscore", "mx-leading-dash", "mxpercent"):
        assert bad not in p.log_bytes()
    for session in s.sessions:
        for command in session.commands:
            assert b"evil" not in command
    p.cli("resolve", "there.test")
    p.cli("queue", check=0)


def test_cname_chain_is_bounded(make, make_dns, hosts):
    s, = hosts({})
    zone = {f"c{n}.test": [cname(f"c{n + 1}.test")] for n in range(50)}
    zone["c50.test"] = [a(s.address)]
    zone["there.test"] = [cname("c0.test")]
    dns = make_dns(zone)
    p = start(make, dns, hosts)
    send(p)
    p.wait_log("deferred|failed|delivered", 25)
    assert len(dns.queries) < 100
    assert p.alive()


def test_cache_saves_questions(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]})
    p = start(make, dns, hosts)
    for _ in range(20):
        send(p)
    s.wait(20)
    assert len(dns.asked("there.test", MX)) <= 3


def test_case_of_a_domain_makes_no_second_question(make, make_dns, hosts):
    s, = hosts({})
    dns = make_dns({"there.test": [mx(10, "m.test")], "m.test": [a(s.address)]})
    p = start(make, dns, hosts)
    send(p, "bob@there.test")
    s.wait(1)
    send(p, "bob@THERE.Test")
    s.wait(2)
    assert s.transactions[1].rcpts == ["bob@THERE.Test"]
