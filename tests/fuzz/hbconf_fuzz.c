/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmha.conf: refused with a sentence, or inside its ranges. */
#include "fuzz.h"
#include "ha/hbconf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_hbconf conf;
	struct ha_err err = HA_ERR_INIT;

	if (ha_hbconf_parse((const char *)data, size, &conf, &err) < 0) {
		fuzz_expect(err.text[0] != '\0');
		return 0;
	}
	fuzz_expect(conf.stores >= 1 && conf.stores <= HA_STORES_MAX);
	for (uint32_t i = 0; i < conf.stores; i++) {
		fuzz_expect(conf.store[i][0] == '/');
		fuzz_expect(strnlen(conf.store[i], HA_PATH) < HA_PATH);
	}
	fuzz_expect(conf.watchdog[0] == '/');
	fuzz_expect(strnlen(conf.host, HA_HOST_NAME) < HA_HOST_NAME);
	fuzz_expect(conf.realtime_priority >= 0 &&
		    conf.realtime_priority <= 99);
	return 0;
}
