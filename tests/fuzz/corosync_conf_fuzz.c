/* SPDX-License-Identifier: GPL-2.0-or-later */
/* corosync.conf: refused with a sentence, or nodes that are all different. */
#include "fuzz.h"
#include "ha/hbconf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_corosync_conf conf;
	struct ha_err err = HA_ERR_INIT;

	if (ha_corosync_conf_parse((const char *)data, size, &conf, &err) < 0) {
		fuzz_expect(err.text[0] != '\0');
		return 0;
	}
	fuzz_expect(conf.nodes <= HA_HOSTS_MAX);
	fuzz_expect(strnlen(conf.cluster_name, sizeof(conf.cluster_name)) <
		    sizeof(conf.cluster_name));
	for (uint32_t i = 0; i < conf.nodes; i++) {
		fuzz_expect(strnlen(conf.node[i].name, HA_HOST_NAME) <
			    HA_HOST_NAME);
		for (uint32_t k = i + 1; k < conf.nodes; k++) {
			fuzz_expect(conf.node[i].nodeid == 0 ||
				    conf.node[i].nodeid != conf.node[k].nodeid);
		}
	}
	return 0;
}
