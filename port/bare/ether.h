/* SPDX-License-Identifier: BSD-2-Clause */
/* ether - the one Ethernet controller of a board, polled.  Frames are without their CRC. */
#ifndef PIPIT_BARE_ETHER_H
#define PIPIT_BARE_ETHER_H

#include <stdbool.h>
#include <stdint.h>

#define ETHER_FRAME_MAX 1514u

/* Brings the controller up; mac: the board's address. */
void ether_start(uint8_t mac[6]);

/* Octets of the next frame that has arrived, cut to size; 0: none. */
uint16_t ether_receive(uint8_t *frame, uint16_t size);

/* Whether the frame was taken to be sent; false: no room now, it is dropped. */
bool ether_send(const uint8_t *frame, uint16_t len);

/* Whether a cable leads somewhere. */
bool ether_link(void);

#endif
