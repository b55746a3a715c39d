/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking `incoming` off the list (SAFETY 9, 13). Its agent has found no
 * process; but as long as the source lists the VM as outgoing, libvirt's job
 * there may still bring one, and no process yet is no proof. So the datastores
 * are read first:
 *
 *   nobody else sends it          the entry leaves
 *   somebody did, and does no more  the agent is told to look again (ESTALE):
 *                                 what it has proven is older than that
 *   somebody still does           the entry stays, and binds; the agent is
 *                                 told so ("kept"), since nothing runs here
 *
 * The wait is longer than it takes to prove a dead source dead.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

static bool
is_listed_outgoing(const struct ha_vm_list *list, const struct hbs_wait *wait)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_listed_vm *vm = &list->vms[i];

		if (vm->state == HA_LISTED_OUTGOING &&
		    (memcmp(&vm->uuid, &wait->uuid, sizeof(vm->uuid)) == 0 ||
		     strcmp(vm->resource, wait->resource) == 0)) {
			return true;
		}
	}
	return false;
}

/* A list that can't be read may say so. hb->lock held. */
static bool
may_send(const struct hbs *s, uint32_t slot, const struct ha_hostset *out,
	 const struct hbs_wait *wait, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct hb_host *host = &hb->hosts[slot];
	struct ha_watch_verdict verdict = hb_judge(hb, slot, 0);

	if ((verdict.proof != HA_PROOF_SILENT ||
	     verdict.until_ms >= wait->since_ms) &&
	    hbs_host_is_gone(s, slot, out, now_ms)) {
		return false;
	}
	if (!hbs_is_beat_read(hb, slot, wait->since_ms)) {
		return true;
	}
	return host->beat.list_count > 0 &&
	       (!hbs_is_list_read(hb, slot) ||
		is_listed_outgoing(&host->list, wait));
}

/* hb->lock held. */
static uint32_t
find_sender(const struct hbs *s, const struct hbs_wait *wait, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	struct ha_hostset out;

	hbs_out_of_the_way(s, &out);
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		if (slot != hb->self && hb->table.names[slot][0] &&
		    may_send(s, slot, &out, wait, now_ms)) {
			return slot;
		}
	}
	return HA_SLOT_NONE;
}

void
hbs_incoming_leave(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	const struct ha_timing *timing = &s->hb->sb.timing;
	uint64_t most_ms = ha_timing_silence_ms(timing) +
			   2 * (uint64_t)timing->beat_ms + timing->tolerance_ms;
	uint64_t half_ms = ha_clock_left_ms(wait->deadline_ms) / 2;

	wait->step = HBS_READING;
	wait->since_ms = now_ms + 1;
	wait->give_up_ms = now_ms + (most_ms < half_ms ? most_ms : half_ms);
}

static bool
keep(struct hbs *s, struct hbs_wait *wait, uint32_t sender)
{
	json_t *told = ha_ipc_ok();
	char uuid[HA_UUID_TEXT];

	ha_uuid_format(&wait->uuid, uuid);
	hb_log(HB_LOG_KEPT, wait->resource, uuid,
	       sender == HA_SLOT_NONE ? "another host" :
					s->hb->table.names[sender]);
	if (told) {
		(void)json_object_set_new(told, "kept", json_true());
	}
	hbs_wait_answer(s, wait, told);
	return true;
}

/* The entry is somebody else's business by now. hb->lock held. */
static bool
is_overtaken(struct hb *hb, const struct hbs_wait *wait)
{
	const struct ha_listed_vm *vm = hbs_list_find(&hb->list, &wait->uuid);

	return !vm || vm->state != HA_LISTED_INCOMING;
}

bool
hbs_incoming_leave_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	uint64_t read_ms[HA_STORES_MAX];
	uint32_t sender = HA_SLOT_NONE;
	bool is_read;
	bool has_gone;

	pthread_mutex_lock(&hb->lock);
	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		read_ms[i] = hb->views[i].read_ms;
	}
	is_read = ha_watch_fresh(read_ms, hb->sb.stores, wait->since_ms);
	has_gone = is_overtaken(hb, wait);
	if (is_read && !has_gone) {
		sender = find_sender(s, wait, now_ms);
	}
	if (is_read && !has_gone && sender == HA_SLOT_NONE &&
	    !wait->has_waited) {
		hbs_list_leave(hb, hbs_list_find(&hb->list, &wait->uuid));
		wait->generation = hb->list.generation;
		wait->step = HBS_FLUSHING;
		hb_kick_locked(hb);
	}
	pthread_mutex_unlock(&hb->lock);
	if (wait->step == HBS_FLUSHING) {
		hbs_grant(s, &wait->uuid, false);
		return false;
	}
	if (has_gone || (is_read && sender == HA_SLOT_NONE)) {
		hbs_wait_answer(s, wait,
				hbs_failed(-ESTALE,
					   "%s might have come to this host "
					   "until now: look again whether it "
					   "runs here",
					   wait->resource));
		return true;
	}
	wait->has_waited = wait->has_waited || is_read;
	if (now_ms >= wait->give_up_ms) {
		return keep(s, wait, sender);
	}
	if (!wait->has_looked && now_ms >= wait->since_ms) {
		wait->has_looked = true;
		hb_look(hb);
	}
	return false;
}
