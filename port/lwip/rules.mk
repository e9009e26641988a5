# SPDX-License-Identifier: BSD-2-Clause
# lwIP for boards whose ROOMS name it: fetched into build/deps, or a tree of LWIP_DIR.

LWIP := $(or $(LWIP_DIR),build/deps/lwip)
LWIP_CPPFLAGS := -Iport/lwip -isystem $(LWIP)/src/include

LWIP_FILES := $(addprefix core/,def dns inet_chksum init ip mem memp netif pbuf stats sys tcp) \
	$(addprefix core/,tcp_in tcp_out timeouts udp) \
	$(addprefix core/ipv4/,acd dhcp etharp icmp ip4 ip4_addr) \
	$(if $(CONFIG_IPV6),$(addprefix core/ipv6/,ethip6 icmp6 ip6 ip6_addr mld6 nd6)) \
	$(addprefix api/,api_lib api_msg err netbuf sockets tcpip) \
	netif/ethernet $(if $(CONFIG_LWIP_SNTP),apps/sntp/sntp)
LWIP_SRC := $(LWIP_FILES:%=$(LWIP)/src/%.c)
LWIP_OBJ := $(LWIP_FILES:%=$(B)/lwip/%.o)

LWIP_TEST_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lwip/*.c))

# What includes lwIP's headers.
LWIP_READERS := $(PORT_OBJ) $(MAIN_OBJ) $(LWIP_TEST_OBJ) $(patsubst %.c,$(B)/%.o,\
	$(wildcard boards/$(BOARD)/*.c $(BOARD_ROOMS:%=boards/%/*.c)))

ifeq ($(LWIP_DIR),)
$(LWIP)/.fetched: port/deps/fetch.sh port/deps/sources $(wildcard port/deps/patches/lwip-*)
	@port/deps/fetch.sh lwip
$(LWIP_SRC): $(LWIP)/.fetched ;
$(LWIP_READERS): | $(LWIP)/.fetched
endif

# Through their headers, where the compiler does not look for what an object depends on.
$(LWIP_READERS): $(wildcard port/lwip/*.h port/lwip/arch/*.h)

# Their warnings are theirs.
$(B)/lwip/%.o: $(LWIP)/src/%.c $(B)/pipit_config.h $(wildcard port/lwip/*.h port/lwip/arch/*.h)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -w -iquote port $(LWIP_CPPFLAGS) -c -o $@ $<

PORT_OBJ += $(LWIP_OBJ)
