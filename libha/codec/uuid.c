/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UUIDs as bytes and as text. The bytes stand in the order of the text (RFC
 * 4122 section 4.1.2), so that a dump of a block shows what tools print.
 */
#include <errno.h>

#include "codec/area_block.h"
#include "ha/text.h"

void
ha_uuid_format(const struct ha_uuid *uuid, char ret_text[37])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10) {
			ret_text[n++] = '-';
		}
		ret_text[n++] = hex[uuid->bytes[i] >> 4];
		ret_text[n++] = hex[uuid->bytes[i] & 15];
	}
	ret_text[n] = '\0';
}

static unsigned int
nibble(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

int
ha_uuid_parse(const char *text, struct ha_uuid *ret_uuid)
{
	char lower[HA_UUID_TEXT];
	const char *s = lower;

	if (ha_text_uuid(text, lower) < 0) {
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(ret_uuid->bytes); i++) {
		if (*s == '-') {
			s++;
		}
		ret_uuid->bytes[i] =
			(uint8_t)(nibble(s[0]) << 4 | nibble(s[1]));
		s += 2;
	}
	return 0;
}

bool
ha__uuid_is_null(const struct ha_uuid *uuid)
{
	static const struct ha_uuid null;

	return memcmp(uuid, &null, sizeof(null)) == 0;
}
