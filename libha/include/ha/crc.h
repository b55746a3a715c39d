/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Check sums of what is kept on disk: CRC-32C (Castagnoli) guards a block,
 * FNV-1a 64 tells whether bytes that make no sense have changed.
 */
#ifndef HA_CRC_H
#define HA_CRC_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0 to begin, a former result to go on. */
uint32_t ha_crc32c(uint32_t crc, const void *data, size_t len);

uint64_t ha_fingerprint(const void *data, size_t len);

#endif
