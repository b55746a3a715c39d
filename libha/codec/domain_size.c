/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes in a domain XML, by libvirt's words for units (virScaleInteger). They
 * serve placement and never a start: what is no size becomes 0.
 */
#include "domain_size.h"

#include <ctype.h>
#include <string.h>

#include "ha/text.h"

#define KIB UINT64_C(1024)
#define KB UINT64_C(1000)
#define MIB (KIB * KIB)
#define NUMBER_MAX 32 /* digits and a sign; more is no size */

uint64_t
ha__domain_unit(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} UNITS[] = {
		{ "b", 1 },
		{ "bytes", 1 },
		{ "KB", KB },
		{ "k", KIB },
		{ "K", KIB },
		{ "KiB", KIB },
		{ "MB", KB * KB },
		{ "M", MIB },
		{ "MiB", MIB },
		{ "GB", KB * KB * KB },
		{ "G", MIB * KIB },
		{ "GiB", MIB * KIB },
		{ "TB", KB * KB * KB * KB },
		{ "T", MIB * MIB },
		{ "TiB", MIB * MIB },
	};

	if (!unit) {
		return KIB;
	}
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (strcmp(UNITS[i].name, unit) == 0) {
			return UNITS[i].bytes;
		}
	}
	return 0;
}

/* The number alone; 0 is "none". */
static uint64_t
number(const char *text)
{
	char word[NUMBER_MAX];
	uint64_t value = 0;
	size_t len;

	while (isspace((unsigned char)*text)) {
		text++;
	}
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1])) {
		len--;
	}
	if (len >= sizeof(word)) {
		return 0;
	}
	memcpy(word, text, len);
	word[len] = '\0';
	return ha_text_uint64(word, &value) < 0 ? 0 : value;
}

uint64_t
ha__domain_mib(const char *text, uint64_t unit)
{
	uint64_t value = number(text);

	if (unit == 0 || value > UINT64_MAX / unit) {
		return 0;
	}
	value *= unit;
	return value / MIB + (value % MIB != 0);
}

uint32_t
ha__domain_count(const char *text)
{
	uint64_t value = number(text);

	return value > UINT32_MAX ? 0 : (uint32_t)value;
}
