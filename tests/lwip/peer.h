/* SPDX-License-Identifier: BSD-2-Clause */
/* peer - the other end of the cable: a network of one machine, 10.0.0.1, that is router, DHCP,
 * DNS, time and mail server at once, and does what the test says.
 *
 * It answers a frame when that is sent; the answers wait in a ring until the stack takes them.
 */
#ifndef PIPIT_TESTS_PEER_H
#define PIPIT_TESTS_PEER_H

#include "desk.h"

#define PEER_FRAMES 64u
#define PEER_MAX 1514u
#define ETH 14u
#define IP4 20u
#define UDP (ETH + IP4 + 8u) /* where a datagram's octets begin */
#define TCP (ETH + IP4)      /* where TCP's header begins */
#define DHCP_OPTIONS (UDP + 240u)

enum peer_dhcp { DHCP_SILENT, DHCP_SERVES, DHCP_REFUSES };
enum peer_ntp { NTP_SILENT, NTP_SERVES, NTP_FORGED, NTP_UNSET };

static struct peer {
	bool link;
	bool full;        /* the controller takes nothing */
	unsigned lose;    /* one of so many frames is lost, either way; 0: none */
	unsigned counter; /* of frames, for that */
	enum peer_dhcp dhcp;
	enum peer_ntp ntp;
	uint32_t lease_s;
	uint8_t host; /* what is offered: 10.0.0.host */
	unsigned discovers, requests, refused, ntp_asked, dropped;
	uint8_t client[6];
	char name[32]; /* that the client gave itself */
	/* The mail server's side of one connection. */
	uint16_t window;
	uint32_t expected, own; /* sequence numbers */
	size_t heard;
	unsigned shut_probes; /* segments that came while the window was shut */
	unsigned first, count;
	uint16_t len[PEER_FRAMES];
	uint8_t frame[PEER_FRAMES][PEER_MAX];
} peer;

static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t peer_ip[4] = { 10, 0, 0, 1 };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffffu);
}

static uint16_t sum_of(const uint8_t *at, size_t len, uint32_t sum)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	while (sum > 0xffffu)
		sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- Frames on their way ---------------------------------------------------------- */

static bool peer_loses(void)
{
	return peer.lose > 0 && ++peer.counter % peer.lose == 0;
}

static void peer_give(const uint8_t *frame, size_t len)
{
	unsigned at = (peer.first + peer.count) % PEER_FRAMES;

	if (peer_loses() || peer.count == PEER_FRAMES) {
		peer.dropped++;
		return;
	}
	peer.len[at] = (uint16_t)len;
	memcpy(peer.frame[at], frame, len);
	peer.count++;
}

/* Ethernet and IP around len octets of a protocol, to the client at this address. */
static void peer_give_ip(uint8_t *f, uint8_t protocol, const uint8_t to[4], size_t len)
{
	bool all = to[0] == 255;

	memset(f, 0xff, 6);
	if (!all)
		memcpy(f, peer.client, 6);
	memcpy(f + 6, peer_mac, 6);
	put16(f + 12, 0x0800);
	memset(f + ETH, 0, IP4);
	f[ETH] = 0x45;
	put16(f + ETH + 2, (uint32_t)(IP4 + len));
	f[ETH + 8] = 64;
	f[ETH + 9] = protocol;
	memcpy(f + ETH + 12, peer_ip, 4);
	memcpy(f + ETH + 16, to, 4);
	put16(f + ETH + 10, sum_of(f + ETH, IP4, 0));
	peer_give(f, ETH + IP4 + len);
}

static void peer_give_udp(uint8_t *f, uint16_t from, uint16_t port, const uint8_t to[4], size_t len)
{
	put16(f + ETH + IP4, from);
	put16(f + ETH + IP4 + 2, port);
	put16(f + ETH + IP4 + 4, (uint32_t)(8 + len));
	put16(f + ETH + IP4 + 6, 0);
	peer_give_ip(f, 17, to, 8 + len);
}

/* ---- Its services ----------------------------------------------------------------------- */

static const uint8_t *dhcp_option(const uint8_t *f, size_t len, uint8_t which)
{
	size_t at = DHCP_OPTIONS;

	while (at + 2 <= len && f[at] != 255 && f[at] != which)
		at += f[at] == 0 ? 1u : 2u + f[at + 1];
	return at + 2 <= len && f[at] == which ? f + at : NULL;
}

static size_t dhcp_put(uint8_t *f, size_t at, uint8_t which, uint8_t len, const uint8_t *value)
{
	f[at] = which;
	f[at + 1] = len;
	memcpy(f + at + 2, value, len);
	return at + 2u + len;
}

static void dhcp_reply(const uint8_t *f, uint8_t type)
{
	static const uint8_t all[4] = { 255, 255, 255, 255 }, mask[4] = { 255, 255, 255, 0 };
	static const uint8_t dns[8] = { 10, 0, 0, 1, 10, 0, 0, 53 };
	uint8_t r[PEER_MAX] = { 0 }, lease[4];
	size_t at = DHCP_OPTIONS;

	memcpy(r + UDP, f + UDP, 44);
	r[UDP] = 2;
	memset(r + UDP + 12, 0, 16);
	memcpy(r + UDP + 16, peer_ip, 4);
	r[UDP + 19] = peer.host;
	memcpy(r + UDP + 236, f + UDP + 236, 4);
	put32(lease, peer.lease_s);
	at = dhcp_put(r, at, 53, 1, &type);
	at = dhcp_put(r, at, 54, 4, peer_ip);
	if (type != 6) {
		at = dhcp_put(r, at, 51, 4, lease);
		at = dhcp_put(r, at, 1, 4, mask);
		at = dhcp_put(r, at, 3, 4, peer_ip);
		at = dhcp_put(r, at, 6, 8, dns);
		at = dhcp_put(r, at, 42, 4, peer_ip);
	}
	r[at++] = 255;
	peer_give_udp(r, 67, 68, all, at - UDP);
}

static void on_dhcp(const uint8_t *f, size_t len)
{
	const uint8_t *type = dhcp_option(f, len, 53), *name = dhcp_option(f, len, 12);

	assert_non_null(type);
	memcpy(peer.client, f + 6, 6);
	if (name != NULL && name[1] < sizeof(peer.name))
		memcpy(peer.name, name + 2, name[1]);
	peer.discovers += type[2] == 1;
	peer.requests += type[2] == 3;
	if (peer.dhcp == DHCP_SERVES && (type[2] == 1 || type[2] == 3))
		dhcp_reply(f, type[2] == 1 ? 2 : 5);
	else if (peer.dhcp == DHCP_REFUSES && type[2] == 1)
		dhcp_reply(f, 2);
	else if (peer.dhcp == DHCP_REFUSES && type[2] == 3) {
		peer.refused++;
		dhcp_reply(f, 6);
	}
}

/* 2026-01-01 as NTP counts. */
#define PEER_TIME_NTP (1767225600u + 2208988800u)

static void on_ntp(const uint8_t *f)
{
	uint8_t r[UDP + 48] = { 0 };

	peer.ntp_asked++;
	if (peer.ntp == NTP_SILENT)
		return;
	r[UDP] = peer.ntp == NTP_UNSET ? 0xe4 : 0x24;
	r[UDP + 1] = peer.ntp == NTP_UNSET ? 0 : 2;
	memcpy(r + UDP + 24, f + UDP + 40, 8);
	r[UDP + 31] ^= peer.ntp == NTP_FORGED;
	put32(r + UDP + 32, PEER_TIME_NTP);
	put32(r + UDP + 40, PEER_TIME_NTP);
	peer_give_udp(r, 123, get16(f + ETH + IP4), f + ETH + 12, 48);
}

static void tcp_reply(const uint8_t *f, uint8_t flags)
{
	uint8_t r[PEER_MAX] = { 0 };
	uint32_t pseudo = 6 + 20;

	put16(r + TCP, get16(f + TCP + 2));
	put16(r + TCP + 2, get16(f + TCP));
	put32(r + TCP + 4, peer.own);
	put32(r + TCP + 8, peer.expected);
	r[TCP + 12] = 5 << 4;
	r[TCP + 13] = flags;
	put16(r + TCP + 14, peer.window);
	pseudo += get16(peer_ip) + (uint32_t)get16(peer_ip + 2);
	pseudo += get16(f + ETH + 12) + (uint32_t)get16(f + ETH + 14);
	put16(r + TCP + 16, sum_of(r + TCP, 20, pseudo));
	peer_give_ip(r, 6, f + ETH + 12, 20);
}

/* Octet n of what the test sends. */
static uint8_t peer_octet(size_t n)
{
	return (uint8_t)(n * 7u + n / 251u);
}

/* Takes what comes in order and fits, and acknowledges it.  What it has already, an octet that
 * probed the window for one, may come again with more behind it. */
static void on_tcp(const uint8_t *f)
{
	const uint8_t *octets = f + TCP + 4u * (f[TCP + 12] >> 4);
	size_t len = (size_t)(f + ETH + get16(f + ETH + 2) - octets), i;
	uint32_t old = peer.expected - get32(f + TCP + 4);
	uint8_t flags = f[TCP + 13];

	if (flags & 4)
		return;
	if (flags & 2) {
		peer.expected = get32(f + TCP + 4) + 1;
		peer.own = 1000;
		tcp_reply(f, 0x12);
		return;
	}
	peer.own = 1001;
	peer.shut_probes += peer.window == 0;
	if (old <= len && len - old <= peer.window) {
		for (i = old; i < len; i++)
			assert_int_equal(octets[i], peer_octet(peer.heard++));
		peer.expected += (uint32_t)(len - old) + (flags & 1);
	} else if (len == 0) {
		return;
	}
	if (len > 0 || flags & 1)
		tcp_reply(f, flags & 1 ? 0x11 : 0x10);
}

static void on_arp(const uint8_t *f)
{
	uint8_t r[60] = { 0 };

	if (get16(f + 20) != 1 || memcmp(f + 38, peer_ip, 4) != 0)
		return;
	memcpy(r, f + 6, 6);
	memcpy(r + 6, peer_mac, 6);
	memcpy(r + 12, f + 12, 8);
	r[21] = 2;
	memcpy(r + 22, peer_mac, 6);
	memcpy(r + 28, peer_ip, 4);
	memcpy(r + 32, f + 22, 10);
	peer_give(r, sizeof(r));
}

/* ---- The cable ------------------------------------------------------------------------------ */

static bool peer_send(void *ctx, const uint8_t *f, uint16_t len)
{
	(void)ctx;
	assert_in_range(len, ETH, PEER_MAX);
	if (peer.full)
		return false;
	if (!peer.link || peer_loses())
		return true;
	if (get16(f + 12) == 0x0806)
		on_arp(f);
	else if (get16(f + 12) == 0x0800 && f[ETH + 9] == 6)
		on_tcp(f);
	else if (get16(f + 12) == 0x0800 && f[ETH + 9] == 17 && get16(f + ETH + IP4 + 2) == 67)
		on_dhcp(f, len);
	else if (get16(f + 12) == 0x0800 && f[ETH + 9] == 17 && get16(f + ETH + IP4 + 2) == 123)
		on_ntp(f);
	return true;
}

static uint16_t peer_receive(void *ctx, uint8_t *frame, uint16_t size)
{
	uint16_t len;

	(void)ctx;
	if (!peer.link || peer.count == 0)
		return 0;
	len = peer.len[peer.first];
	assert_in_range(len, 1, size);
	memcpy(frame, peer.frame[peer.first], len);
	peer.first = (peer.first + 1) % PEER_FRAMES;
	peer.count--;
	return len;
}

static bool peer_link(void *ctx)
{
	(void)ctx;
	return peer.link;
}

#endif
