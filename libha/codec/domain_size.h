/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes in a domain XML. What is no size is 0 and no failure: a machine is
 * started by libvirt, which says what is wrong with its XML, and not by this.
 */
#ifndef HA__DOMAIN_SIZE_H
#define HA__DOMAIN_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/text.h"

/* Bytes of a unit as libvirt names it (formatdomain, "memory"); NULL: KiB.
 * 0: no such unit. */
uint64_t ha__domain_unit(const char *unit);
/* So many units of `unit` bytes in MiB, rounded up; 0: no number, nothing, or
 * more than 64 bits of bytes. */
uint64_t ha__domain_mib(const char *text, uint64_t unit);
/* A number above 0, with space around it; 0: none. */
uint32_t ha__domain_count(const char *text);
/* Memory of one video device, MiB; its sizes are KiB as text, NULL: not
 * given. */
uint64_t ha__domain_video_mib(const char *type, const char *ram,
			      const char *vram, const char *vgamem);
/* Does a <hostdev> or <interface> of that type reach into the guest's memory
 * by itself, so that none of it can be taken back? */
bool ha__domain_pins(const char *type);
/* As libvirt reads a UUID, to 8-4-4-4-12 in lower case; false: it is none. */
bool ha__domain_uuid(const char *text, size_t len, char ret_uuid[HA_UUID_TEXT]);

#endif
