/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC-32C (polynomial 0x1edc6f41, reflected, as in RFC 3720 appendix B.4) by
 * eight tables, eight bytes a step: gigabytes a second without an instruction
 * that a processor may lack. All beats of 255 hosts are 1 MiB.
 *
 * The tables are constant expressions: a CRC is linear, so the entry of a
 * byte is the sum of the entries of its bits, and only those are written
 * down. Nothing has to be set up before the first use.
 *
 * FNV-1a 64 is no check sum: it tells two versions of rubbish apart.
 */
#include "ha/crc.h"

#define BIT(n, bit, value) (((n) >> (bit)) & 1u ? (value) : 0u)
#define BYTE(n, b0, b1, b2, b3, b4, b5, b6, b7)                          \
	(BIT(n, 0, b0) ^ BIT(n, 1, b1) ^ BIT(n, 2, b2) ^ BIT(n, 3, b3) ^ \
	 BIT(n, 4, b4) ^ BIT(n, 5, b5) ^ BIT(n, 6, b6) ^ BIT(n, 7, b7))

/* Tk(n): what byte n, with k bytes behind it, adds to the remainder. */
#define T0(n)                                                       \
	BYTE(n, 0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, \
	     0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u)
#define T1(n)                                                       \
	BYTE(n, 0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, \
	     0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u)
#define T2(n)                                                       \
	BYTE(n, 0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, \
	     0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u)
#define T3(n)                                                       \
	BYTE(n, 0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, \
	     0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu)
#define T4(n)                                                       \
	BYTE(n, 0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, \
	     0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu, 0x6ea2d55cu)
#define T5(n)                                                       \
	BYTE(n, 0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, \
	     0xc00c303eu, 0x85f4168du, 0x0e045bebu, 0x1c08b7d6u)
#define T6(n)                                                       \
	BYTE(n, 0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, \
	     0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au, 0xf56e0ef4u)
#define T7(n)                                                       \
	BYTE(n, 0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, \
	     0x847609b4u, 0x0d006599u, 0x1a00cb32u, 0x34019664u)

#define FOUR(t, n) t(n), t((n) + 1u), t((n) + 2u), t((n) + 3u)
#define SIXTEEN(t, n) \
	FOUR(t, n), FOUR(t, (n) + 4u), FOUR(t, (n) + 8u), FOUR(t, (n) + 12u)
#define SIXTY_FOUR(t, n)                                             \
	SIXTEEN(t, n), SIXTEEN(t, (n) + 16u), SIXTEEN(t, (n) + 32u), \
		SIXTEEN(t, (n) + 48u)
#define TABLE(t)                                                            \
	{                                                                   \
		SIXTY_FOUR(t, 0u), SIXTY_FOUR(t, 64u), SIXTY_FOUR(t, 128u), \
			SIXTY_FOUR(t, 192u)                                 \
	}

#define STEP_BYTES 8u

static const uint32_t TABLES[STEP_BYTES][256] = {
	TABLE(T0), TABLE(T1), TABLE(T2), TABLE(T3),
	TABLE(T4), TABLE(T5), TABLE(T6), TABLE(T7),
};

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x00000100000001b3)

uint32_t
ha_crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	for (; len >= STEP_BYTES; len -= STEP_BYTES, p += STEP_BYTES) {
		uint32_t low =
			crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 |
			       (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);

		crc = TABLES[7][low & 0xff] ^ TABLES[6][(low >> 8) & 0xff] ^
		      TABLES[5][(low >> 16) & 0xff] ^ TABLES[4][low >> 24] ^
		      TABLES[3][p[4]] ^ TABLES[2][p[5]] ^ TABLES[1][p[6]] ^
		      TABLES[0][p[7]];
	}
	for (; len > 0; len--, p++) {
		crc = (crc >> 8) ^ TABLES[0][(crc ^ *p) & 0xff];
	}
	return ~crc;
}

uint64_t
ha_fingerprint(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t hash = FNV_OFFSET;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ p[i]) * FNV_PRIME;
	}
	return hash;
}
