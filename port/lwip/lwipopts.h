/* SPDX-License-Identifier: BSD-2-Clause */
/* lwipopts - lwIP as Pipit uses it: its sockets, and no thread.  Sizes are port/lwip/Kconfig's. */
#ifndef PIPIT_LWIPOPTS_H
#define PIPIT_LWIPOPTS_H

#include <limits.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#include "pipit_config.h"

/* ssize_t is the library's in every object: where SSIZE_MAX is not seen lwIP makes one of its
 * own, and on a 64-bit machine a -1 of the one is not a -1 of the other. */
#define LWIP_NO_UNISTD_H 1
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif

/* The socket layer without an operating system: calls run in the caller, what has to wait
 * pumps the stack (sys_arch.c). */
#define NO_SYS 0
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TCPIP_CORE_LOCKING 1
#define LWIP_TCPIP_CORE_LOCKING_INPUT 1
#define LWIP_COMPAT_MUTEX 0
#define TCPIP_THREAD_TEST 1 /* tcpip_thread_poll_one instead of a thread */

#define LWIP_NETCONN 1
#define LWIP_SOCKET 1
#define LWIP_COMPAT_SOCKETS 0 /* macros: sockets_os.h has functions */
#define LWIP_POSIX_SOCKETS_IO_NAMES 0
#define LWIP_SOCKET_SELECT 0
#define LWIP_SOCKET_POLL 1
#define LWIP_ERRNO_STDINCLUDE 1
#define LWIP_TIMEVAL_PRIVATE 0
#define SO_REUSE 1
/* Without memory for a FIN a close waits one poll of 0.5 s, then it resets. */
#define LWIP_TCP_CLOSE_TIMEOUT_MS_DEFAULT 0

/* All memory is arrays. */
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#if UINTPTR_MAX > 0xffffffffu
#define MEM_ALIGNMENT 8
#define IPV6_FRAG_COPYHEADER 1
#else
#define MEM_ALIGNMENT 4
#endif
#define MEM_SIZE CONFIG_LWIP_HEAP
#define PBUF_POOL_SIZE CONFIG_LWIP_FRAMES
#define PBUF_POOL_BUFSIZE LWIP_MEM_ALIGN_SIZE(CONFIG_LWIP_FRAME)
#define MEMP_NUM_TCP_PCB CONFIG_LWIP_TCP_CONNECTIONS
#define MEMP_NUM_TCP_PCB_LISTEN CONFIG_LWIP_TCP_LISTENERS
#define MEMP_NUM_UDP_PCB CONFIG_LWIP_UDP
#define MEMP_NUM_NETCONN (CONFIG_LWIP_TCP_CONNECTIONS + CONFIG_LWIP_TCP_LISTENERS + CONFIG_LWIP_UDP)
#define MEMP_NUM_NETBUF (CONFIG_LWIP_UDP * 2)
#define MEMP_NUM_TCP_SEG (CONFIG_LWIP_TCP_CONNECTIONS * TCP_SND_QUEUELEN)
#define MEMP_NUM_TCPIP_MSG_API 4
#define MEMP_NUM_TCPIP_MSG_INPKT 4
#define MEMP_NUM_SELECT_CB 1

#define TCP_MSS CONFIG_LWIP_TCP_MSS
#define TCP_WND (CONFIG_LWIP_WINDOW * TCP_MSS)
#define TCP_SND_BUF (CONFIG_LWIP_SEND * TCP_MSS)
#define TCP_SND_QUEUELEN (4 * CONFIG_LWIP_SEND)
/* Left to itself a small buffer counts as full from the first octet until its ACK comes. */
#define TCP_SNDLOWAT (TCP_SND_BUF / 4)
#define TCP_LISTEN_BACKLOG 1
#define LWIP_TCP_KEEPALIVE 0
/* Out-of-order segments would hold frames that others need. */
#define TCP_QUEUE_OOSEQ (CONFIG_LWIP_FRAMES >= 4 * CONFIG_LWIP_WINDOW)

#define TCPIP_MBOX_SIZE CONFIG_LWIP_MBOX
#define DEFAULT_TCP_RECVMBOX_SIZE CONFIG_LWIP_MBOX
#define DEFAULT_UDP_RECVMBOX_SIZE 2
#define DEFAULT_RAW_RECVMBOX_SIZE 2
#define DEFAULT_ACCEPTMBOX_SIZE CONFIG_LWIP_BACKLOG

#define LWIP_IPV4 1
#if CONFIG_IPV6
#define LWIP_IPV6 1
#define LWIP_IPV6_DHCP6 0
#define LWIP_IPV6_REASS 0
#define LWIP_IPV6_FRAG 0
#else
#define LWIP_IPV6 0
#endif
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_RAW 0
#define LWIP_IGMP 0
#define LWIP_AUTOIP 0
#define ARP_QUEUEING 0
#define ARP_TABLE_SIZE 6

#if CONFIG_LWIP_DHCP
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DHCP_MAX_DNS_SERVERS 3
#endif
/* lwIP's resolver looks up time servers only, and holds the DNS servers of the lease. */
#if CONFIG_LWIP_DHCP || CONFIG_LWIP_SNTP
#define LWIP_DNS 1
#define DNS_MAX_SERVERS 3
#define DNS_TABLE_SIZE 1
#define DNS_MAX_NAME_LENGTH 64
#endif
#if CONFIG_LWIP_SNTP
#define SNTP_SERVER_DNS 1
#define SNTP_MAX_SERVERS 2
#define SNTP_GET_SERVERS_FROM_DHCP CONFIG_LWIP_DHCP
#define SNTP_STARTUP_DELAY 0
#define SNTP_CHECK_RESPONSE 2
#define SNTP_COMP_ROUNDTRIP 0
#define SNTP_UPDATE_DELAY 3600000
#define LWIP_DHCP_GET_NTP_SRV CONFIG_LWIP_DHCP
#define LWIP_DHCP_MAX_NTP_SERVERS 1
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 2)
void stack_set_time(unsigned int seconds, unsigned int microseconds);
#define SNTP_SET_SYSTEM_TIME_US(s, us) stack_set_time(s, us)
/* The time of a question is only compared with what the answer repeats: a random number says
 * nothing about our clock, and who cannot read the question cannot answer it. */
#define SNTP_GET_SYSTEM_TIME_NTP(s, f) \
	do { \
		(s) = (s32_t)stack_random(); \
		(f) = stack_random(); \
	} while (0)
#endif

#define LWIP_ETHERNET 1
#define LWIP_ARP 1
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_NETIF_HOSTNAME 1
#if CONFIG_LWIP_LOOPBACK
#define LWIP_HAVE_LOOPIF 1
#define LWIP_NETIF_LOOPBACK 1
/* What a peer on this machine may have under way; without a bound it could take all frames. */
#define LWIP_LOOPBACK_MAX_PBUFS CONFIG_LWIP_FRAMES
#else
#define LWIP_HAVE_LOOPIF 0
#define LWIP_NETIF_LOOPBACK 0
#endif

/* The pools' use can be asked for (stack_fill); protocol counters are left out. */
#define LWIP_STATS 1
#define LINK_STATS 0
#define ETHARP_STATS 0
#define IP_STATS 0
#define IPFRAG_STATS 0
#define ICMP_STATS 0
#define IP6_STATS 0
#define ICMP6_STATS 0
#define IP6_FRAG_STATS 0
#define ND6_STATS 0
#define UDP_STATS 0
#define TCP_STATS 0
#define SYS_STATS 0

unsigned int stack_random(void);
#define LWIP_RAND() stack_random()

#endif
