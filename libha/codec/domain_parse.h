/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parse of a domain XML under way: between domain.c, which knows the
 * elements, and domain_disk.c, which reads those of a disk.
 */
#ifndef HA__DOMAIN_PARSE_H
#define HA__DOMAIN_PARSE_H

#include <expat.h>

#include "ha/domain.h"

enum ha__domain_field {
	FIELD_NONE,
	FIELD_NAME,
	FIELD_UUID,
	FIELD_MEMORY,
	FIELD_VCPU,
	FIELD_IOTHREADS,
	FIELD_GUARANTEE /* below memtune */
};

struct ha__domain_parse {
	XML_Parser expat;
	struct ha_domain *domain;
	struct ha_domain_disk *disk; /* being filled, or NULL */
	struct ha_err *err;
	int rc;
	unsigned int depth;
	bool in_devices;
	bool in_memtune, in_backing, in_video; /* backing: memoryBacking */
	bool in_channel;
	bool seen_name;
	bool seen_uuid;
	enum ha__domain_field field; /* whose text is being collected */
	uint64_t unit;               /* of a size, in bytes; 0: not known */
	size_t text_len;
	char text[HA_DOMAIN_NAME];
};

const char *ha__domain_attr(const char *const *attrs, const char *name);
/* Keeps the first failure: expat may call once more after a stop. */
void ha__domain_fail(struct ha__domain_parse *p, int code, const char *what,
		     const char *value);
/* An attribute that does not fit is refused. */
void ha__domain_copy(struct ha__domain_parse *p, char *dst, size_t size,
		     const char *value, const char *what);
/* domain_disk.c: a <disk>, and what stands in one. */
void ha__domain_disk_begin(struct ha__domain_parse *p,
			   const char *const *attrs);
void ha__domain_disk_detail(struct ha__domain_parse *p, const char *name,
			    const char *const *attrs);

#endif
