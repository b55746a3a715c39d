/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat create: all areas of a cluster at once. Looks at every path
 * before it writes any; what was found decides (look.c), and an area becomes
 * valid by its superblock, which is written last. Half a creation leaves
 * nothing that a daemon would take for an area.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "create.h"
#include "look.h"

#define SLOTS 64u /* rows a cluster of today may grow to */
#define VMS 256u
#define PREPARE_MS 300000u /* all blocks of a file, on slow storage */

static int
new_uuid(struct ha_uuid *ret_uuid, struct ha_err *err)
{
	if (getrandom(ret_uuid->bytes, sizeof(ret_uuid->bytes), 0) !=
	    (ssize_t)sizeof(ret_uuid->bytes)) {
		return ha_err_set(err, -EIO,
				  "the kernel gives no random "
				  "numbers");
	}
	/* RFC 9562: version 4, variant 10. */
	ret_uuid->bytes[6] = (uint8_t)((ret_uuid->bytes[6] & 0x0f) | 0x40);
	ret_uuid->bytes[8] = (uint8_t)((ret_uuid->bytes[8] & 0x3f) | 0x80);
	return 0;
}

int
vmha_timing_args(const struct vmha *v, struct ha_timing *timing,
		 enum ha_profile *profile, struct ha_err *err)
{
	const struct vmha_args *args = &v->args;
	const struct ha_timing *known;
	int rc;

	if (args->profile) {
		rc = ha_profile_parse(args->profile, profile, err);
		if (rc < 0) {
			return rc;
		}
	}
	known = ha_profile_timing(*profile);
	if (args->profile && !known) {
		return ha_err_set(err, -EINVAL,
				  "--profile %s has no times of its own; use "
				  "standard, fast or vsphere, and --beat-ms, "
				  "--watchdog-ms, --tolerance-ms for others",
				  args->profile);
	}
	if (args->profile) {
		*timing = *known;
	}
	if (args->beat_ms || args->watchdog_ms || args->tolerance_ms) {
		timing->beat_ms =
			args->beat_ms ? args->beat_ms : timing->beat_ms;
		timing->watchdog_ms = args->watchdog_ms ? args->watchdog_ms :
							  timing->watchdog_ms;
		timing->tolerance_ms = args->tolerance_ms ?
					       args->tolerance_ms :
					       timing->tolerance_ms;
		*profile = HA_PROFILE_CUSTOM;
	}
	return ha_timing_check(timing, err);
}

static int
add_name(struct create *c, const char *name, size_t len, struct ha_err *err)
{
	char host[HA_HOST_NAME];
	int rc;

	if (len >= sizeof(host)) {
		return ha_err_set(err, -ENAMETOOLONG,
				  "host name %.*s has more than %u characters",
				  (int)len, name, HA_HOST_NAME - 1);
	}
	memcpy(host, name, len);
	host[len] = '\0';
	rc = vmha_host_name_check(host, err);
	if (rc < 0) {
		return rc;
	}
	if (ha_slot_find(&c->table, host) != HA_SLOT_NONE) {
		return ha_err_set(err, -EEXIST, "host %s is named twice", host);
	}
	if (c->hosts == HA_HOSTS_MAX) {
		return ha_err_set(err, -E2BIG, "more than %u hosts",
				  HA_HOSTS_MAX);
	}
	return ha_text_copy(c->table.names[c->hosts++], HA_HOST_NAME, host);
}

/* Names of the cluster and its hosts: as given, else corosync's. */
static int
take_names(struct vmha *v, struct create *c)
{
	static struct ha_corosync_config config;
	const char *source = NULL;
	const char *name = v->args.cluster;
	const char *hosts = v->args.hosts;
	int rc = 0;

	if (!name || !hosts) {
		rc = vmha_cluster_config(v, &config, &source, &v->err);
		if (rc < 0) {
			return ha_err_prefix(&v->err, rc,
					     "no names given (--cluster, "
					     "--hosts), and no corosync to "
					     "take them from: ");
		}
	}
	if (!name) {
		name = config.cluster_name;
	}
	if (!*name || ha_text_copy(c->sb.name, sizeof(c->sb.name), name) < 0) {
		return ha_err_set(
			&v->err, -EINVAL,
			"the cluster's name \"%s\" is empty or has "
			"more than %u characters; set cluster_name in "
			"corosync.conf",
			name, HA_CLUSTER_NAME - 1);
	}
	for (; hosts && *hosts && rc == 0; hosts += *hosts == ',') {
		size_t len = strcspn(hosts, ",");

		rc = add_name(c, hosts, len, &v->err);
		hosts += len;
	}
	for (uint32_t i = 0; !v->args.hosts && i < config.nodes && rc == 0;
	     i++) {
		rc = add_name(c, config.node[i].name,
			      strlen(config.node[i].name), &v->err);
	}
	return rc;
}

static int
take_sizes(struct vmha *v, struct create *c)
{
	uint32_t least = c->hosts > SLOTS ? HA_HOSTS_MAX : SLOTS;
	int rc;

	c->sb.version = HA_AREA_VERSION;
	c->sb.stores = v->args.operands;
	c->sb.slots = v->args.slots ? v->args.slots : least;
	c->sb.vms = v->args.vms ? v->args.vms : VMS;
	c->sb.protected_vms = c->sb.slots * c->sb.vms;
	c->sb.generation = 1;
	if (c->sb.slots < c->hosts) {
		return ha_err_set(&v->err, -ERANGE,
				  "--slots %" PRIu32
				  " is less than the %" PRIu32
				  " hosts there are",
				  c->sb.slots, c->hosts);
	}
	c->sb.profile = HA_PROFILE_STANDARD;
	c->sb.timing = *ha_profile_timing(HA_PROFILE_STANDARD);
	rc = vmha_timing_args(v, &c->sb.timing, &c->sb.profile, &v->err);
	if (rc == 0) {
		rc = new_uuid(&c->sb.cluster, &v->err);
	}
	if (rc == 0 && ha_layout_compute(&c->sb, &c->layout) < 0) {
		rc = ha_err_set(&v->err, -ERANGE,
				"%" PRIu32 " slots of %" PRIu32
				" VMs are not possible",
				c->sb.slots, c->sb.vms);
	}
	return rc;
}

/* 0: may be written. */
static int
judge_look(const struct vmha *v, const struct create *c,
	   const struct vmha_look *look, struct ha_err *err)
{
	const char *path = look->path;

	if (look->is_live && !v->args.is_live_forced) {
		return ha_err_set(
			err, -EBUSY,
			"%s is in use: %s beat%s there now (cluster "
			"%s). Stop vmha-heartbeatd on all hosts of "
			"that cluster first; --force-live would have "
			"their watchdogs reset them",
			path, look->live, strchr(look->live, ',') ? "" : "s",
			look->kind == LOOK_AREA ? look->sb.name : "unknown");
	}
	if (v->args.is_forced || v->args.is_live_forced) {
		return 0;
	}
	switch (look->kind) {
	case LOOK_ABSENT:
	case LOOK_EMPTY:
		return 0;
	case LOOK_AREA:
		return ha_err_set(
			err, -EEXIST,
			"%s is an area of %scluster %s already (%" PRIu32
			" of %" PRIu32 ", profile %s). --force makes it anew: "
			"what it says about hosts and their VMs is lost",
			path,
			strcmp(look->sb.name, c->sb.name) == 0 ? "this " :
								 "another ",
			look->sb.name, look->sb.store_index + 1,
			look->sb.stores, ha_profile_name(look->sb.profile));
	case LOOK_DAMAGED:
		return ha_err_set(err, -EEXIST,
				  "%s is a heartbeat area whose superblock is "
				  "%s: %s. --force makes it anew",
				  path, ha_block_verdict_name(look->verdict),
				  ha_block_verdict_text(look->verdict));
	case LOOK_DATA:
		return ha_err_set(err, -EEXIST,
				  "%s holds %s. Name another %s, or --force to "
				  "destroy it",
				  path, look->what,
				  look->is_block ? "device" : "file");
	}
	return -EINVAL;
}

static int
look_at_all(struct vmha *v, struct create *c)
{
	for (uint32_t i = 0; i < c->sb.stores; i++) {
		struct vmha_look *look = &c->look[i];
		const char *path = v->args.operand[i];
		int rc;

		if (path[0] != '/' || strchr(path, ';') ||
		    strlen(path) >= HA_PATH) {
			return ha_err_set(&v->err, -EINVAL,
					  "%s: give an absolute path below %u "
					  "characters without \";\": vmha.conf "
					  "is the same on every host",
					  path, HA_PATH);
		}
		rc = vmha_look(path, look, &v->err);
		if (rc == 0) {
			rc = judge_look(v, c, look, &v->err);
		}
		if (rc < 0) {
			return rc;
		}
		for (uint32_t j = 0; j < i; j++) {
			bool is_same = look->kind != LOOK_ABSENT &&
				       c->look[j].kind != LOOK_ABSENT &&
				       c->look[j].device == look->device &&
				       c->look[j].inode == look->inode;

			if (is_same || strcmp(path, c->look[j].path) == 0) {
				return ha_err_set(&v->err, -EEXIST,
						  "%s and %s are one and the "
						  "same; each area needs its "
						  "own",
						  c->look[j].path, path);
			}
		}
	}
	return 0;
}

/* A file that can't stay is made anew; one that beats are written to stays,
 * or its hosts would go on beating into a file without a name. */
static int
prepare(const struct vmha_look *look, uint64_t bytes, struct ha_err *err)
{
	bool is_file = look->kind != LOOK_ABSENT && !look->is_block;
	int rc;

	vmha_step("writing", look->path, PREPARE_MS);
	if (is_file && !look->is_live) {
		rc = ha_disk_prepare(look->path, bytes, NULL);
		if (rc == 0) {
			return 0;
		}
		if (unlink(look->path) < 0) {
			return ha_err_set(err, -errno, "can't remove %s: %s",
					  look->path, strerror(errno));
		}
	}
	return ha_disk_prepare(look->path, bytes, err);
}

static int
make_all(struct vmha *v, struct create *c)
{
	uint64_t bytes = c->layout.total_blocks * HA_BLOCK;
	char size[32];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < c->sb.stores; i++) {
		bool is_new = c->look[i].kind == LOOK_ABSENT;

		vmha_say(v, "%s: %s %s", c->look[i].path,
			 is_new ? "making a file of" : "writing",
			 vmha_bytes(bytes, size, sizeof(size)));
		(void)fflush(stdout);
		rc = prepare(&c->look[i], bytes, &v->err);
		c->is_made[i] = rc == 0 && is_new;
	}
	if (rc == 0) {
		rc = create_write(v, c);
	}
	/* Files of ours that nobody will use. */
	for (uint32_t i = 0; rc < 0 && i < c->sb.stores; i++) {
		if (c->is_made[i]) {
			(void)unlink(c->look[i].path);
		}
	}
	return rc;
}

int
vmha_create(struct vmha *v)
{
	struct create *c = calloc(1, sizeof(*c));
	int rc;

	if (!c) {
		return vmha_fail_with(v, -ENOMEM, "no memory");
	}
	rc = take_names(v, c);
	if (rc == 0) {
		rc = take_sizes(v, c);
	}
	for (uint32_t i = 0; rc == 0 && i < c->sb.stores; i++) {
		rc = new_uuid(&c->store[i], &v->err);
	}
	if (rc == 0) {
		rc = look_at_all(v, c);
	}
	if (rc == 0) {
		rc = make_all(v, c);
	}
	if (rc == 0) {
		rc = create_tell(v, c);
	}
	free(c);
	return rc < 0 ? vmha_fail(v, rc) : VMHA_OK;
}
