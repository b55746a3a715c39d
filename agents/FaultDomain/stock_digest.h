/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that tell one state of things from another (stock_digest.c). */
#ifndef FAULT_DOMAIN_STOCK_DIGEST_H
#define FAULT_DOMAIN_STOCK_DIGEST_H

#include "FaultDomain/stock.h"

#define FDM_MIX_BEGIN UINT64_C(14695981039346656037)

uint64_t fdm_mix(uint64_t hash, const void *data, size_t len);
uint64_t fdm_mix_number(uint64_t hash, uint64_t value);
uint64_t fdm_mix_text(uint64_t hash, const char *text);
uint64_t fdm_stock_digest(const struct fdm_stock *stock);

#endif
