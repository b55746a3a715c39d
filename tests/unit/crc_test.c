/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32C against the published vectors and against the definition, bit by
 * bit, at every length and alignment that the eight-byte steps tell apart;
 * FNV-1a 64 against its author's test values.
 */
#include <string.h>

#include "unit.h"

#include "ha/crc.h"

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41 reflected */

/* RFC 3720 appendix B.4; the CRCs stand there as bytes of the wire. */
static void
crc_rfc3720(void **state)
{
	static const uint8_t READ_PDU[48] = {
		0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00,
		0x00, 0x18, 0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	uint8_t bytes[32];

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(ha_crc32c(0, bytes, sizeof(bytes)), 0x8a9136aau);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(ha_crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43u);
	for (uint8_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = i;
	}
	assert_int_equal(ha_crc32c(0, bytes, sizeof(bytes)), 0x46dd794eu);
	for (uint8_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(ha_crc32c(0, bytes, sizeof(bytes)), 0x113fdb5cu);
	assert_int_equal(ha_crc32c(0, READ_PDU, sizeof(READ_PDU)), 0xd9963a56u);
	assert_int_equal(ha_crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(ha_crc32c(0, "", 0), 0);
}

static uint32_t
crc_by_bits(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = (crc >> 1) ^ ((crc & 1) ? POLYNOMIAL : 0);
		}
	}
	return ~crc;
}

static void
crc_by_definition(void **state)
{
	uint8_t bytes[2304];
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1103515245u + 12345u;
		bytes[i] = (uint8_t)(seed >> 16);
	}
	for (size_t at = 0; at < 9; at++) {
		for (size_t len = 0; len < 80; len++) {
			assert_int_equal(ha_crc32c(0, bytes + at, len),
					 crc_by_bits(bytes + at, len));
		}
	}
	/* Long enough that each entry of each table was used. */
	assert_int_equal(ha_crc32c(0, bytes, sizeof(bytes)),
			 crc_by_bits(bytes, sizeof(bytes)));
	for (unsigned int value = 0; value < 256; value++) {
		for (size_t at = 0; at < 8; at++) {
			uint8_t eight[8] = { 0 };

			eight[at] = (uint8_t)value;
			assert_int_equal(ha_crc32c(0, eight, 8),
					 crc_by_bits(eight, 8));
		}
	}
	for (size_t cut = 0; cut <= 100; cut++) {
		assert_int_equal(ha_crc32c(ha_crc32c(0, bytes, cut),
					   bytes + cut, 100 - cut),
				 crc_by_bits(bytes, 100));
	}
}

/* draft-eastlake-fnv, appendix C. */
static void
fingerprint_vectors(void **state)
{
	(void)state;
	assert_true(ha_fingerprint("", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(ha_fingerprint("a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(ha_fingerprint("foobar", 6) ==
		    UINT64_C(0x85944171f73967e8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_rfc3720),
		cmocka_unit_test(crc_by_definition),
		cmocka_unit_test(fingerprint_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
