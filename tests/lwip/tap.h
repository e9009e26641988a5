/* SPDX-License-Identifier: BSD-2-Clause */
/* tap - this machine's own TCP/IP at the other end of a TAP device, in a network namespace that
 * nobody else sees.  Apart from lwIP's headers, whose names are the same. */
#ifndef PIPIT_TESTS_TAP_H
#define PIPIT_TESTS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAP_THERE "10.9.0.1" /* the kernel's */
#define TAP_HERE "10.9.0.2"  /* lwIP's */
#define TAP_OCTETS 300000u

/* A new namespace, a device in it that is up.  NULL, or what is not permitted. */
const char *tap_open(void);

uint16_t tap_receive(uint8_t *frame, uint16_t size);
bool tap_send(const uint8_t *frame, uint16_t len);
void tap_wait(uint32_t ms);
uint32_t tap_now_ms(void);

/* Another process connects to lwIP's port, sends TAP_OCTETS and wants the same back. */
void tap_client(uint16_t port);

/* Whether it has ended, and whether all came back. */
bool tap_client_ended(bool *well);

#endif
