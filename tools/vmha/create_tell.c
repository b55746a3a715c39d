/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmha heartbeat create: what was made, what to mind, what comes next. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "create.h"

static void warn_one(json_t *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
warn_one(json_t *list, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vmha_warn("%s", text);
	(void)json_array_append_new(list, json_string(text));
}

/* A file on one of these is this host's alone. Magics of statfs(2). */
static const char *
local_system(const char *path)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} SYSTEMS[] = {
		{ 0xef53, "ext4" },        { 0x58465342, "xfs" },
		{ 0x01021994, "tmpfs" },   { 0x9123683e, "btrfs" },
		{ 0x794c7630, "overlay" },
	};
	struct statfs fs;

	if (statfs(path, &fs) < 0) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(SYSTEMS) / sizeof(SYSTEMS[0]); i++) {
		if ((unsigned long)fs.f_type == SYSTEMS[i].magic) {
			return SYSTEMS[i].name;
		}
	}
	return NULL;
}

static void
warn_local(const struct create *c, json_t *list)
{
	for (uint32_t i = 0; i < c->sb.stores; i++) {
		const char *name = c->look[i].is_block ?
					   NULL :
					   local_system(c->look[i].path);

		if (name) {
			warn_one(list,
				 "%s is on %s, a local file system: no other "
				 "host sees it, unless it is passed on to "
				 "them in another way. Use shared storage "
				 "(NFS, GFS2, a LUN)",
				 c->look[i].path, name);
		}
	}
}

/* Names of --hosts that corosync does not know: their fencing would ask for
 * a host that no slot has. */
static void
warn_names(const struct vmha *v, const struct create *c, json_t *list)
{
	static struct ha_corosync_config config;
	const char *source = NULL;

	if (!v->args.hosts ||
	    vmha_cluster_config(v, &config, &source, NULL) < 0) {
		return;
	}
	for (uint32_t h = 0; h < c->hosts; h++) {
		uint32_t n = 0;

		while (n < config.nodes &&
		       strcmp(config.node[n].name, c->table.names[h]) != 0) {
			n++;
		}
		if (n == config.nodes) {
			warn_one(list,
				 "%s is no node of corosync (by %s): its slot "
				 "is of no use; vmha heartbeat add-host and "
				 "remove-host mend it",
				 c->table.names[h], source);
		}
	}
}

static void
warn(const struct vmha *v, const struct create *c, json_t *list)
{
	const char *path[HA_STORES_MAX];
	char shared[640];

	if (c->sb.stores == 1) {
		warn_one(list, "one datastore: when it fails, no host can be "
			       "proven dead and no VM be started; use three");
	} else if (c->sb.stores % 2 == 0) {
		warn_one(list,
			 "%" PRIu32 " datastores: of them %" PRIu32
			 " must be written and %" PRIu32 " read, which bears "
			 "no more losses than one less would; use three or "
			 "five",
			 c->sb.stores, ha_stores_write(c->sb.stores),
			 ha_stores_read(c->sb.stores));
	}
	for (uint32_t i = 0; i < c->sb.stores; i++) {
		path[i] = c->look[i].path;
	}
	for (uint32_t i = 0; i < c->sb.stores; i++) {
		if (vmha_sharing(path, c->device, c->sb.stores, i, shared,
				 sizeof(shared))) {
			warn_one(list,
				 "%s are on one device: they fail together; "
				 "put them on different storage",
				 shared);
		}
	}
	warn_local(c, list);
	warn_names(v, c, list);
}

static json_t *
result(const struct create *c, json_t *warnings)
{
	char uuid[HA_UUID_TEXT];
	json_t *stores = json_array();
	json_t *hosts = json_array();

	ha_uuid_format(&c->sb.cluster, uuid);
	for (uint32_t i = 0; i < c->sb.stores; i++) {
		(void)json_array_append_new(stores,
					    json_string(c->look[i].path));
	}
	for (uint32_t i = 0; i < c->hosts; i++) {
		(void)json_array_append_new(hosts,
					    json_string(c->table.names[i]));
	}
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:o, "
			 "s:o, s:o}",
			 "cluster", c->sb.name, "uuid", uuid, "profile",
			 ha_profile_name(c->sb.profile), "beat_ms",
			 (int)c->sb.timing.beat_ms, "watchdog_ms",
			 (int)c->sb.timing.watchdog_ms, "tolerance_ms",
			 (int)c->sb.timing.tolerance_ms, "slots",
			 (int)c->sb.slots, "vms", (int)c->sb.vms, "bytes",
			 (json_int_t)(c->layout.total_blocks * HA_BLOCK),
			 "datastores", stores, "hosts", hosts, "warnings",
			 warnings);
}

static void
tell_words(struct vmha *v, const struct create *c)
{
	char dead[32];

	vmha_say(v,
		 "Cluster %s: %" PRIu32 " area%s, %" PRIu32 " of %" PRIu32
		 " slots given, profile %s.",
		 c->sb.name, c->sb.stores, c->sb.stores == 1 ? "" : "s",
		 c->hosts, c->sb.slots, ha_profile_name(c->sb.profile));
	vmha_say(v,
		 "Beat %" PRIu32 " ms, watchdog %" PRIu32
		 " ms, tolerance %" PRIu32 " ms: a silent host is proven dead "
		 "after %s.",
		 c->sb.timing.beat_ms, c->sb.timing.watchdog_ms,
		 c->sb.timing.tolerance_ms,
		 vmha_span(ha_timing_silence_ms(&c->sb.timing), dead,
			   sizeof(dead)));
}

int
create_tell(struct vmha *v, struct create *c)
{
	const char *stores[HA_STORES_MAX];
	ha_autofree char *text = NULL;
	json_t *warnings = json_array();
	int rc = 0;

	for (uint32_t i = 0; i < c->sb.stores; i++) {
		stores[i] = c->look[i].path;
	}
	tell_words(v, c);
	warn(v, c, warnings);
	if (v->args.writes_conf) {
		rc = vmha_conf_write(v, stores, c->sb.stores, &v->err);
	}
	if (rc == 0 && v->args.is_json) {
		return vmha_json(v, result(c, warnings)) == VMHA_OK ? 0 : -EIO;
	}
	json_decref(warnings);
	if (rc < 0) {
		return rc;
	}
	if (v->args.writes_conf) {
		vmha_say(v,
			 "\n%s is written. Copy it to every host, then "
			 "start vmha-heartbeatd there.",
			 v->args.conf);
		return 0;
	}
	text = vmha_conf_text(NULL, stores, c->sb.stores);
	if (!text) {
		return ha_err_set(&v->err, -ENOMEM, "no memory");
	}
	vmha_say(v,
		 "\nPut this into %s on every host, then start "
		 "vmha-heartbeatd there:\n\n%s",
		 v->args.conf, text);
	return 0;
}
