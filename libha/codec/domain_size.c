/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values in a domain XML: sizes, by libvirt's words for units
 * (virScaleInteger), what ties the guest's memory to its host, and the UUID.
 * Sizes serve placement and never a start: what is no size becomes 0.
 */
#include "domain_size.h"

#include <ctype.h>
#include <string.h>

#include "ha/text.h"

#define KIB UINT64_C(1024)
#define KB UINT64_C(1000)
#define MIB (KIB * KIB)
#define UUID_DIGITS 32u
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

#define VIDEO_MIB 16u /* libvirt's and QEMU's default of vgamem */
#define VIDEO_MAX_MIB UINT64_C(65536) /* more is no size */

uint64_t
ha__domain_video_mib(const char *type, const char *ram, const char *vram,
		     const char *vgamem)
{
	const char *const sizes[] = { ram, vram, vgamem };
	uint64_t sum_mib = 0;

	if (type && strcmp(type, "none") == 0) {
		return 0;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t mib = sizes[i] ? ha__domain_mib(sizes[i], KIB) : 0;

		sum_mib += mib <= VIDEO_MAX_MIB ? mib : 0;
	}
	return sum_mib > VIDEO_MIB ? sum_mib : VIDEO_MIB;
}

/* formatdomain: PCI devices and mediated ones go by VFIO, vDPA likewise; USB
 * and SCSI ones go through QEMU. */
bool
ha__domain_pins(const char *type)
{
	return type &&
	       (strcmp(type, "pci") == 0 || strcmp(type, "mdev") == 0 ||
		strcmp(type, "hostdev") == 0 || strcmp(type, "vdpa") == 0);
}

/* virUUIDParse(): space around it and hyphens anywhere do not count. */
bool
ha__domain_uuid(const char *text, size_t len, char ret_uuid[HA_UUID_TEXT])
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	char digits[UUID_DIGITS + 1];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '-' || isspace(c)) {
			continue;
		}
		if (!isxdigit(c) || n == UUID_DIGITS) {
			return false;
		}
		digits[n++] = (char)tolower(c);
	}
	if (n != UUID_DIGITS) {
		return false;
	}
	for (size_t i = 0, d = 0; i < sizeof(shape); i++) {
		ret_uuid[i] = shape[i] == 'x' ? digits[d++] : shape[i];
	}
	return true;
}
