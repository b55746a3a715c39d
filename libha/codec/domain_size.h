/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes in a domain XML. What is no size is 0 and no failure: a machine is
 * started by libvirt, which says what is wrong with its XML, and not by this.
 */
#ifndef HA__DOMAIN_SIZE_H
#define HA__DOMAIN_SIZE_H

#include <stdint.h>

/* Bytes of a unit as libvirt names it (formatdomain, "memory"); NULL: KiB.
 * 0: no such unit. */
uint64_t ha__domain_unit(const char *unit);
/* So many units of `unit` bytes in MiB, rounded up; 0: no number, nothing, or
 * more than 64 bits of bytes. */
uint64_t ha__domain_mib(const char *text, uint64_t unit);
/* A number above 0, with space around it; 0: none. */
uint32_t ha__domain_count(const char *text);

#endif
