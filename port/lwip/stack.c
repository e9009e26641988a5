/* SPDX-License-Identifier: BSD-2-Clause */
#include "lwip/stack.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>
#if CONFIG_LWIP_SNTP
#include <lwip/apps/sntp.h>
#endif
#if CONFIG_IPV6
#include <lwip/ethip6.h>
#endif

#include "base/check.h"

#define FRAME_MAX 1514u /* of Ethernet, without its CRC */
#define BURST 8u        /* frames, and messages to the stack, in one pump */

/* lwIP's own state is global, and so is this. */
static struct {
	const struct stack_machine *machine;
	struct netif netif;
	uint64_t mono_ms;
	bool link;
	bool ready;               /* there was an address when we last looked */
	bool time_known;          /* SNTP has told it once */
	uint8_t frame[FRAME_MAX]; /* the one that comes or goes right now */
} stack;

/* ---- The clock, and what else lwIP asks ------------------------------------------- */

uint32_t stack_now_ms(void)
{
	return stack.machine->now_ms(stack.machine->ctx);
}

uint64_t stack_mono_ms(void)
{
	stack.mono_ms += stack_now_ms() - (uint32_t)(stack.mono_ms & UINT32_MAX);
	return stack.mono_ms;
}

unsigned int stack_random(void)
{
	return stack.machine->random(stack.machine->ctx);
}

/* ---- The time of day --------------------------------------------------------------- */

enum stack_state stack_state(void)
{
	if (!stack.link)
		return STACK_NO_LINK;
	return ip4_addr_isany_val(*netif_ip4_addr(&stack.netif)) ? STACK_NO_LEASE : STACK_READY;
}

#if CONFIG_LWIP_SNTP

#if !CONFIG_LWIP_DHCP
#define sntp_servermode_dhcp(on) ((void)(on))
#endif

void stack_set_time(unsigned int seconds, unsigned int microseconds)
{
	stack.time_known = true;
	if (stack.machine->time != NULL)
		stack.machine->time(stack.machine->ctx, seconds, microseconds);
}

static void time_ask(void)
{
	sntp_stop();
	sntp_setoperatingmode(SNTP_OPMODE_POLL);
	sntp_init();
}

void stack_time_server(const char *server)
{
	LOCK_TCPIP_CORE();
	sntp_servermode_dhcp(server == NULL);
	if (server != NULL)
		sntp_setservername(0, server);
	time_ask();
	UNLOCK_TCPIP_CORE();
}

/* lwIP asks before there is an address, and then not for up to 150 s: an address that comes while
 * the time is unknown is a reason to ask at once. */
static void time_look(void)
{
	bool ready = stack_state() == STACK_READY;

	if (ready && !stack.ready && !stack.time_known && stack.machine->time != NULL)
		time_ask();
	stack.ready = ready;
}

static void time_begin(void)
{
	sntp_servermode_dhcp(true);
}
#else
void stack_time_server(const char *server)
{
	(void)server;
}

static void time_look(void) {}

static void time_begin(void) {}
#endif

/* ---- Frames -------------------------------------------------------------------------- */

static err_t frame_out(struct netif *netif, struct pbuf *p)
{
	(void)netif;
	if (p->tot_len > FRAME_MAX)
		return ERR_BUF;
	pbuf_copy_partial(p, stack.frame, p->tot_len, 0);
	return stack.machine->send(stack.machine->ctx, stack.frame, p->tot_len) ? ERR_OK : ERR_MEM;
}

static bool frame_in(void)
{
	uint16_t len = stack.machine->receive(stack.machine->ctx, stack.frame, FRAME_MAX);
	struct pbuf *p;

	if (len == 0)
		return false;
	p = pbuf_alloc(PBUF_RAW, len, PBUF_POOL);
	if (p == NULL)
		return true;
	pbuf_take(p, stack.frame, len);
	if (stack.netif.input(p, &stack.netif) != ERR_OK)
		pbuf_free(p);
	return true;
}

#if CONFIG_IPV6
static void output_ip6(struct netif *netif)
{
	netif->flags |= NETIF_FLAG_MLD6;
	netif->output_ip6 = ethip6_output;
}
#else
static void output_ip6(struct netif *netif)
{
	(void)netif;
}
#endif

static err_t netif_begin(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->mtu = 1500;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	netif->output = etharp_output;
	netif->linkoutput = frame_out;
	output_ip6(netif);
	return ERR_OK;
}

static void link_look(void)
{
	bool link = stack.machine->link(stack.machine->ctx);

	if (link == stack.link)
		return;
	stack.link = link;
	if (link)
		netif_set_link_up(&stack.netif);
	else
		netif_set_link_down(&stack.netif);
}

/* ---- The loop ---------------------------------------------------------------------------- */

static bool work(void)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < BURST && tcpip_thread_poll_one(); i++)
		some = true;
	LOCK_TCPIP_CORE();
	if (stack.machine->receive != NULL)
		link_look();
	sys_check_timeouts();
	time_look();
	UNLOCK_TCPIP_CORE();
	for (i = 0; i < BURST && stack.machine->receive != NULL && frame_in(); i++)
		some = true;
	for (i = 0; i < BURST && tcpip_thread_poll_one(); i++)
		some = true;
	return some;
}

static uint32_t until_timer_ms(void)
{
	uint32_t ms;

	LOCK_TCPIP_CORE();
	ms = sys_timeouts_sleeptime();
	UNLOCK_TCPIP_CORE();
	return ms;
}

void stack_pump(uint32_t ms)
{
	uint32_t timer_ms;

	if (work() || ms == 0)
		return;
	timer_ms = until_timer_ms();
	if (timer_ms > 0)
		stack.machine->idle(stack.machine->ctx, ms < timer_ms ? ms : timer_ms);
	work();
}

/* ---- Addresses ----------------------------------------------------------------------------- */

#if CONFIG_IPV6
static void ip6_begin(struct netif *netif)
{
	netif_create_ip6_linklocal_address(netif, 1);
	netif_set_ip6_autoconfig_enabled(netif, 1);
}
#else
static void ip6_begin(struct netif *netif)
{
	(void)netif;
}
#endif

#if !CONFIG_LWIP_DHCP
#define dhcp_start(netif) ((void)(netif))
#define dhcp_stop(netif) ((void)(netif))
#endif

/* ---- Starting ------------------------------------------------------------------------------ */

void stack_start(const struct stack_machine *machine, const uint8_t mac[6], const char *hostname)
{
	CHECK(stack.machine == NULL);
	stack.machine = machine;
	stack.mono_ms = stack_now_ms();
	tcpip_init(NULL, NULL);
	if (machine->receive == NULL)
		return;
	LOCK_TCPIP_CORE();
	netif_add_noaddr(&stack.netif, NULL, netif_begin, tcpip_input);
	netif_set_hostname(&stack.netif, hostname);
	memcpy(stack.netif.hwaddr, mac, sizeof(stack.netif.hwaddr));
	stack.netif.hwaddr_len = sizeof(stack.netif.hwaddr);
	netif_set_default(&stack.netif);
	netif_set_up(&stack.netif);
	ip6_begin(&stack.netif);
	time_begin();
	dhcp_start(&stack.netif);
	UNLOCK_TCPIP_CORE();
}

void stack_address(const uint8_t ip[4], const uint8_t mask[4], const uint8_t gateway[4])
{
	ip4_addr_t a, m, g;

	memcpy(&a, ip, 4);
	memcpy(&m, mask, 4);
	memcpy(&g, gateway, 4);
	LOCK_TCPIP_CORE();
	dhcp_stop(&stack.netif);
	netif_set_addr(&stack.netif, &a, &m, &g);
	UNLOCK_TCPIP_CORE();
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static void ip_take(struct ip *to, const ip4_addr_t *from)
{
	memset(to, 0, sizeof(*to));
	if (ip4_addr_isany_val(*from))
		return;
	to->family = 4;
	memcpy(to->bytes, &from->addr, 4);
}

void stack_own(struct ip *ip)
{
	ip_take(ip, netif_ip4_addr(&stack.netif));
}

#if LWIP_DNS
unsigned stack_dns_servers(struct ip_endpoint *to, unsigned max)
{
	unsigned count = 0, i;

	for (i = 0; i < DNS_MAX_SERVERS && count < max; i++) {
		const ip_addr_t *server = dns_getserver((u8_t)i);

		if (!IP_IS_V4(server))
			continue;
		ip_take(&to[count].ip, ip_2_ip4(server));
		to[count].port = 53;
		count += to[count].ip.family == 4;
	}
	return count;
}
#else
unsigned stack_dns_servers(struct ip_endpoint *to, unsigned max)
{
	(void)to;
	(void)max;
	return 0;
}
#endif

bool stack_fill(unsigned i, struct stack_fill *fill)
{
	const struct stats_mem *mem = &lwip_stats.mem;

	if (i > MEMP_MAX)
		return false;
	if (i > 0)
		mem = lwip_stats.memp[i - 1];
	*fill = (struct stack_fill){ mem->used, mem->max, mem->avail, mem->err };
	return true;
}
