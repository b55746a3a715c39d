/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only symbol that leaves this module: the table of ha/hypervisor.h.
 * Linked with -z nodelete: a worker that sits in libvirt must find its code
 * even after a dlclose().
 */
#include "hv.h"

extern const struct ha_hv_ops ha_hypervisor;

__attribute__((visibility("default"))) const struct ha_hv_ops ha_hypervisor = {
	.abi = HA_HV_ABI,
	.open = hv_open,
	.close = hv_close,
	.lookup = hv_lookup,
	.persistent_xml = hv_persistent_xml,
	.start = hv_start,
	.shutdown_agent = hv_shutdown_agent,
	.resume = hv_resume,
	.destroy = hv_destroy,
	.migrate = hv_migrate,
	.check_host = hv_check_host,
	.ping_agent = hv_ping_agent,
	.channel_path = hv_channel_path,
};
