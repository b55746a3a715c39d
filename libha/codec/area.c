/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of the heartbeat area: header, check sum, and the verdict about a
 * block that was read. A block is judged in this order: is it ours, is it
 * whole, can it be read, does it belong to this cluster, does it belong here.
 * Contents are judged by the codec of each kind. Nothing is repaired or
 * guessed: what is not proven sound is not OK.
 */
#include "codec/area_block.h"
#include "ha/crc.h"

static const uint8_t MAGIC[8] = { 'V', 'M', 'H', 'A', 'a', 'r', 'e', 'a' };

/* ---- verdicts ----------------------------------------------------------- */

static const struct {
	const char *name;
	const char *text;
} VERDICTS[HA_BLOCK_VERDICT_N] = {
	[HA_BLOCK_OK] = { "ok", "the block is sound" },
	[HA_BLOCK_BLANK] = {
		"blank",
		"the block is all zeros: nothing was ever written here, or the "
		"datastore was wiped or replaced; check the path, then make "
		"the area with vmha heartbeat create",
	},
	[HA_BLOCK_ALIEN] = {
		"alien",
		"the block holds data of something else than vmha: check the "
		"path in vmha.conf and which program writes there; vmha does "
		"not touch it",
	},
	[HA_BLOCK_TORN] = {
		"torn",
		"the check sum is wrong: a write was cut short, or the "
		"datastore damages data; a host that lives mends its own "
		"block with its next beat, anything that stays needs a look "
		"at the datastore",
	},
	[HA_BLOCK_FOREIGN] = {
		"foreign",
		"the block belongs to another cluster: two clusters use one "
		"datastore, or the path is wrong; give each cluster an area "
		"of its own",
	},
	[HA_BLOCK_MISPLACED] = {
		"misplaced",
		"a sound block stands where it does not belong: the area was "
		"copied, shifted or overwritten; make it again with vmha "
		"heartbeat create once no host uses it",
	},
	[HA_BLOCK_NEWER] = {
		"newer",
		"the block was written by a newer vmha in a form that this "
		"one can't read: update vmha on this host",
	},
	[HA_BLOCK_INVALID] = {
		"invalid",
		"the check sum is right but the contents are impossible: the "
		"program that wrote it has a fault, or somebody edited it; "
		"report it with the output of vmha heartbeat dump",
	},
	[HA_BLOCK_STALE] = {
		"stale",
		"the list is not the one that was asked for: its host is just "
		"writing it, or this datastore missed a write; read it again, "
		"or from another datastore",
	},
};

const char *
ha_block_verdict_name(enum ha_block_verdict verdict)
{
	return (unsigned int)verdict < HA_BLOCK_VERDICT_N ?
		       VERDICTS[verdict].name :
		       "unknown";
}

const char *
ha_block_verdict_text(enum ha_block_verdict verdict)
{
	return (unsigned int)verdict < HA_BLOCK_VERDICT_N ?
		       VERDICTS[verdict].text :
		       "no such verdict";
}

/* ---- names -------------------------------------------------------------- */

/* Bytes of the UTF-8 character at s (RFC 3629: no overlong form, surrogate or
 * value beyond 0x10ffff), 0: none. `left` bytes may be looked at. */
static size_t
utf8_length(const uint8_t *s, size_t left)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (len == 1) {
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > left) {
		return 0;
	}
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
		return 0;
	}
	/* C1 control characters: terminals obey them too. */
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : len;
}

static bool
is_name(const uint8_t *s, size_t len)
{
	while (len > 0) {
		size_t n =
			s[0] < 0x20 || s[0] == 0x7f ? 0 : utf8_length(s, len);

		if (n == 0) {
			return false;
		}
		s += n;
		len -= n;
	}
	return true;
}

void
ha__put_name(uint8_t *at, const char *name, size_t size)
{
	size_t len = strnlen(name, size - 1);

	memcpy(at, name, len);
	memset(at + len, 0, size - len);
}

bool
ha__get_name(const uint8_t *at, size_t size, char *ret_name)
{
	const uint8_t *end = memchr(at, 0, size);
	size_t len;

	if (!end) {
		return false;
	}
	len = (size_t)(end - at);
	if (!is_name(at, len)) {
		return false;
	}
	memcpy(ret_name, at, len);
	memset(ret_name + len, 0, size - len);
	return true;
}

/* ---- header ------------------------------------------------------------- */

static uint32_t
checksum(const uint8_t *block)
{
	static const uint8_t NO_CRC[4];
	uint32_t crc = ha_crc32c(0, block, HA__AT_CRC);

	crc = ha_crc32c(crc, NO_CRC, sizeof(NO_CRC));
	return ha_crc32c(crc, block + HA__AT_CRC + sizeof(NO_CRC),
			 HA_BLOCK - HA__AT_CRC - sizeof(NO_CRC));
}

uint8_t *
ha__block_begin(void *block, const struct ha__place *where)
{
	uint8_t *b = block;

	memset(b, 0, HA_BLOCK);
	memcpy(b + HA__AT_MAGIC, MAGIC, sizeof(MAGIC));
	ha__put_u16(b + HA__AT_KIND, where->kind);
	b[HA__AT_MINOR] = HA__AREA_MINOR;
	b[HA__AT_MAJOR] = HA_AREA_VERSION;
	ha__put_uuid(b + HA__AT_CLUSTER, where->cluster);
	ha__put_u32(b + HA__AT_PLACE, where->place);
	ha__put_u16(b + HA__AT_COPY, where->copy);
	ha__put_u16(b + HA__AT_INDEX, where->index);
	return b + HA__AT_PAYLOAD;
}

void
ha__block_end(void *block, uint32_t length)
{
	uint8_t *b = block;

	ha__put_u32(b + HA__AT_LENGTH, length);
	ha__put_u32(b + HA__AT_CRC, checksum(b));
}

static bool
is_blank(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1, HA_BLOCK - 1) == 0;
}

enum ha_block_verdict
ha__block_open(const void *block, const struct ha__place *where,
	       uint32_t needed, struct ha__payload *ret_in)
{
	const uint8_t *b = block;
	uint32_t length = ha__get_u32(b + HA__AT_LENGTH);

	if (is_blank(b)) {
		return HA_BLOCK_BLANK;
	}
	if (memcmp(b + HA__AT_MAGIC, MAGIC, sizeof(MAGIC)) != 0) {
		return HA_BLOCK_ALIEN;
	}
	if (ha__get_u32(b + HA__AT_CRC) != checksum(b)) {
		return HA_BLOCK_TORN;
	}
	if (b[HA__AT_MAJOR] > HA_AREA_VERSION) {
		return HA_BLOCK_NEWER;
	}
	if (b[HA__AT_MAJOR] < HA_AREA_VERSION) {
		return HA_BLOCK_INVALID; /* there was never a version 0 */
	}
	if (where->cluster && memcmp(b + HA__AT_CLUSTER, where->cluster->bytes,
				     sizeof(where->cluster->bytes)) != 0) {
		return HA_BLOCK_FOREIGN;
	}
	if (ha__get_u16(b + HA__AT_KIND) != (uint32_t)where->kind ||
	    ha__get_u32(b + HA__AT_PLACE) != where->place ||
	    ha__get_u16(b + HA__AT_COPY) != where->copy ||
	    ha__get_u16(b + HA__AT_INDEX) != where->index) {
		return HA_BLOCK_MISPLACED;
	}
	if (length > HA__PAYLOAD_MAX || length < needed) {
		return HA_BLOCK_INVALID;
	}
	ret_in->bytes = b + HA__AT_PAYLOAD;
	ret_in->length = length;
	return HA_BLOCK_OK;
}
