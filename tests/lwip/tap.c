/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_SECONDS 30u

static int device = -1;
static pid_t client;

static bool set_address(const char *name)
{
	struct ifreq r;
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok;

	memset(&r, 0, sizeof(r));
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	a->sin_family = AF_INET;
	inet_pton(AF_INET, TAP_THERE, &a->sin_addr);
	ok = ioctl(s, SIOCSIFADDR, &r) == 0;
	inet_pton(AF_INET, "255.255.255.0", &a->sin_addr);
	ok = ok && ioctl(s, SIOCSIFNETMASK, &r) == 0;
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	ok = ok && ioctl(s, SIOCSIFFLAGS, &r) == 0;
	close(s);
	return ok;
}

const char *tap_open(void)
{
	struct ifreq r;

	if (unshare(CLONE_NEWNET) != 0)
		return "no network namespace";
	device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (device < 0)
		return "no /dev/net/tun";
	memset(&r, 0, sizeof(r));
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(device, TUNSETIFF, &r) != 0)
		return "no TAP device";
	return set_address(r.ifr_name) ? NULL : "no address for the TAP device";
}

uint16_t tap_receive(uint8_t *frame, uint16_t size)
{
	ssize_t n = read(device, frame, size);

	return n > 0 ? (uint16_t)n : 0;
}

bool tap_send(const uint8_t *frame, uint16_t len)
{
	return write(device, frame, len) == len;
}

void tap_wait(uint32_t ms)
{
	struct pollfd p = { device, POLLIN, 0 };

	(void)poll(&p, 1, (int)(ms < 1000u ? ms : 1000u));
}

uint32_t tap_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

static uint8_t octet(size_t i)
{
	return (uint8_t)(i * 7u + i / 251u);
}

/* Sends and reads side by side, as much as goes. */
static bool echo(int s)
{
	size_t sent = 0, got = 0, i, len;
	uint8_t b[1500];
	ssize_t n;

	while (got < TAP_OCTETS) {
		struct pollfd p = { s, (short)(sent < TAP_OCTETS ? POLLIN | POLLOUT : POLLIN), 0 };

		if (poll(&p, 1, 5000) <= 0)
			return false;
		if (p.revents & POLLOUT) {
			len = TAP_OCTETS - sent < sizeof(b) ? TAP_OCTETS - sent : sizeof(b);
			for (i = 0; i < len; i++)
				b[i] = octet(sent + i);
			n = send(s, b, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (!(p.revents & POLLIN))
			continue;
		n = recv(s, b, sizeof(b), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		for (i = 0; n > 0 && i < (size_t)n; i++)
			if (b[i] != octet(got++))
				return false;
	}
	return true;
}

void tap_client(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int s;

	client = fork();
	if (client != 0)
		return;
	alarm(CLIENT_SECONDS);
	inet_pton(AF_INET, TAP_HERE, &to.sin_addr);
	s = socket(AF_INET, SOCK_STREAM, 0);
	_exit(connect(s, (struct sockaddr *)&to, sizeof(to)) == 0 && echo(s) ? 0 : 1);
}

bool tap_client_ended(bool *well)
{
	int status;

	if (client <= 0 || waitpid(client, &status, WNOHANG) != client)
		return client <= 0;
	client = 0;
	*well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return true;
}
