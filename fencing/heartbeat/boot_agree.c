/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the open datastores belong together, and does this host belong to them?
 * All areas are of one cluster and different ones; the host's name has a
 * slot. What stands here afterwards does not change while the daemon runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "heartbeat/store.h"

/* Lock held. The open area that was changed last leads. */
static int
compare_areas(struct hb *hb, const struct hb_store **lead, struct ha_err *err)
{
	uint32_t i, j;

	for (i = 0; i < hb->conf.stores; i++) {
		const struct hb_store *st = hb->stores[i];

		if (!st->was_open) {
			continue;
		}
		if (!(*lead)->was_open ||
		    st->sb.generation > (*lead)->sb.generation) {
			*lead = st;
		}
		for (j = 0; j < i; j++) {
			const struct hb_store *other = hb->stores[j];

			if (!other->was_open) {
				continue;
			}
			if (st->sb.store_index == other->sb.store_index) {
				return ha_err_set(
					err, -EEXIST,
					"%s and %s are the same heartbeat "
					"area: name each datastore once",
					hb->conf.store[j], hb->conf.store[i]);
			}
			if (hb_area_compare(&st->sb, &other->sb, err) < 0) {
				return ha_err_prefix(err, -EINVAL,
						     "%s: ", hb->conf.store[i]);
			}
		}
	}
	return 0;
}

static int
find_slot(struct hb *hb, struct ha_err *err)
{
	const char *host = hb->conf.host;
	struct utsname name;

	if (host[0] == '\0') {
		if (uname(&name) < 0) {
			return ha_err_set(err, -errno, "no node name: %s",
					  strerror(errno));
		}
		host = name.nodename;
	}
	hb->self = ha_slot_find(&hb->table, host);
	if (hb->self == HA_SLOT_NONE) {
		return ha_err_set(err, -ENOENT,
				  "host %s has no slot in cluster %s: run "
				  "`vmha heartbeat add-host %s`",
				  host, hb->sb.name, host);
	}
	return 0;
}

/* Lock held. All that beats, reads and lists need, before anything is armed. */
static int
make_room(struct hb *hb, struct ha_err *err)
{
	struct ha_listed_vm *vms;
	struct ha_hold *holds;
	bool is_short;
	uint32_t i;

	hb->list.slot = hb->self;
	hb->list.vms = calloc(hb->sb.vms, sizeof(*hb->list.vms));
	vms = calloc((size_t)hb->sb.slots * hb->sb.vms, sizeof(*vms));
	hb->hold_list.slot = hb->self;
	hb->hold_list.holds = calloc(hb->sb.vms, sizeof(*hb->hold_list.holds));
	holds = calloc((size_t)hb->sb.slots * hb->sb.vms, sizeof(*holds));
	is_short = !hb->list.vms || !vms || !hb->hold_list.holds || !holds;
	for (i = 0; i < hb->sb.slots; i++) {
		struct hb_host *host = &hb->hosts[i];

		ha_watch_init(&host->watch, hb->conf.stores);
		host->list.slot = i;
		host->list.vms = vms ? vms + (size_t)i * hb->sb.vms : NULL;
		host->hold_list.slot = i;
		host->hold_list.holds =
			holds ? holds + (size_t)i * hb->sb.vms : NULL;
	}
	for (i = 0; i < hb->conf.stores; i++) {
		is_short = is_short || hb_store_buffers(hb->stores[i], &hb->sb,
							&hb->layout) < 0;
	}
	return is_short ? ha_err_set(err, -ENOMEM,
				     "no memory for %u hosts with %u VMs each",
				     hb->sb.slots, hb->sb.vms) :
			  0;
}

int
hb_agree(struct hb *hb, struct ha_err *err)
{
	const struct hb_store *lead = hb->stores[0];
	int rc;

	pthread_mutex_lock(&hb->lock);
	rc = compare_areas(hb, &lead, err);
	if (rc == 0 && !lead->was_open) {
		rc = ha_err_set(err, -EIO, "no heartbeat datastore is open");
	}
	if (rc == 0) {
		hb->sb = lead->sb;
		hb->layout = lead->layout;
		hb->table = lead->table;
		rc = find_slot(hb, err);
	}
	if (rc == 0) {
		rc = make_room(hb, err);
	}
	if (rc == 0) {
		ha_evidence_init(&hb->evidence, hb->conf.stores);
		ha_evidence_init(&hb->hold_evidence, hb->conf.stores);
		hb->is_agreed = true;
		hb_kick_locked(hb);
	}
	pthread_mutex_unlock(&hb->lock);
	return rc;
}
