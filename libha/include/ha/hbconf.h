/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/vmha/vmha.conf, a key file: only what is needed before Pacemaker
 * runs. Everything else is configured with crm shell. One table of keys
 * drives parsing, the man page and `vmha heartbeat check`.
 */
#ifndef HA_HBCONF_H
#define HA_HBCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/hostset.h"

#define HA_HBCONF_PATH "/etc/vmha/vmha.conf"
#define HA_PATH 256

struct ha_hbconf {
	/* [heartbeat] */
	uint32_t stores;
	char store[HA_STORES_MAX][HA_PATH]; /* datastores=, ';' between */
	char host[HA_HOST_NAME]; /* host=; empty: the kernel's node name */
	char watchdog[HA_PATH];  /* watchdog=, default /dev/watchdog */
	uint32_t pretimeout_s;   /* watchdog_pretimeout=, 0: none */
	uint32_t fence_limit;    /* fence_limit=, orders per hour */
	int realtime_priority;   /* realtime_priority=, 1 to 99, 0: none */
	bool require_mlock;      /* require_mlock=, default true */
	bool allow_softdog;      /* allow_softdog=, default true: warns */
};

void ha_hbconf_default(struct ha_hbconf *ret_conf);

/* Unknown sections and keys, doubled keys, bad values: -EINVAL with the line
 * number if known, key, value and what would be right. ret_conf untouched
 * on failure. */
int ha_hbconf_parse(const char *text, size_t len, struct ha_hbconf *ret_conf,
		    struct ha_err *err);

/* One row per key, for the man page and `vmha heartbeat check`. */
struct ha_hbconf_key {
	const char *name;
	const char *fallback; /* default as text */
	const char *range;
	const char *text;
};
const struct ha_hbconf_key *ha_hbconf_keys(size_t *ret_count);

/* What `vmha heartbeat` reads of corosync.conf when corosync is down. */
struct ha_corosync_conf {
	char cluster_name[64];
	uint32_t token_ms; /* 0: not given */
	uint32_t token_coefficient_ms;
	bool has_token_coefficient;
	uint32_t consensus_ms; /* 0: not given */
	bool two_node, wait_for_all, has_wait_for_all, has_qdevice;
	uint32_t nodes;
	struct ha_corosync_conf_node {
		char name[HA_HOST_NAME]; /* empty: not given */
		uint32_t nodeid;
		uint32_t votes; /* default 1 */
		uint32_t links; /* ringN_addr */
	} node[HA_HOSTS_MAX];
};
int ha_corosync_conf_parse(const char *text, size_t len,
			   struct ha_corosync_conf *ret_conf,
			   struct ha_err *err);

#endif
