// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The few library functions of a program without a library. memcpy and its
 * kin exist because the compiler may call them for plain assignments; div64
 * because a 64-bit division would call into a 32-bit libgcc, which machines
 * without multilib do not have.
 */
#include "nano.h"

void *
memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb"
			 : "+D"(d), "+S"(src), "+c"(n)
			 :
			 : "memory");
	return dst;
}

void *
memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s || d >= s + n) {
		return memcpy(dst, src, n);
	}
	while (n--) {
		__asm__ volatile("" : : : "memory");
		d[n] = s[n];
	}
	return dst;
}

void *
memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i]) {
			return x[i] < y[i] ? -1 : 1;
		}
	}
	return 0;
}

/* CRC-32 of IEEE 802.3, reflected, the same as zlib.crc32() of the reader. */
uint32_t
crc32(const void *data, size_t n)
{
	const uint32_t polynomial = 0xedb88320u;
	const uint8_t *p = data;
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
		}
	}
	return ~crc;
}

/* Divides in place and returns the remainder. */
uint32_t
div64(uint64_t *value, uint32_t by)
{
	uint32_t hi = (uint32_t)(*value >> 32), lo = (uint32_t)*value;
	uint32_t q_hi = hi / by, rest = hi % by, q_lo;

	__asm__("divl %4"
		: "=a"(q_lo), "=d"(rest)
		: "0"(lo), "1"(rest), "rm"(by)
		: "cc");
	*value = (uint64_t)q_hi << 32 | q_lo;
	return rest;
}
