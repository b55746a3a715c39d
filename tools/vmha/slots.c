/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has which slot: vmha heartbeat add-host and remove-host. The same slot
 * on every area, or no change at all. A host's beat outlives its slot: what
 * it proves to running daemons is not taken away, and a host that comes back
 * finds its incarnations. Only a slot that a new name takes over is wiped, and
 * its incarnations go on: holds, words and lifts that stand in other hosts'
 * lists name those of its former owner, and must never be about the new one.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"
#include "area.h"

int
vmha_host_name_check(const char *host, struct ha_err *err)
{
	size_t len = strlen(host);

	if (len == 0 || len >= HA_HOST_NAME) {
		return ha_err_set(err, -EINVAL,
				  "host name \"%s\" is empty or has more than "
				  "%u characters",
				  host, HA_HOST_NAME - 1);
	}
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)host[i]) &&
		    !strchr("-._", host[i])) {
			return ha_err_set(err, -EINVAL,
					  "host name \"%s\" has characters "
					  "beside letters, digits, \"-\", "
					  "\".\" and \"_\"",
					  host);
		}
	}
	return 0;
}

/* The areas agree about every slot; what they don't agree about is said. */
static int
check_tables(const struct vmha_areas *areas, struct ha_err *err)
{
	const struct vmha_area *one = areas->at[0];

	for (uint32_t i = 0; i < areas->count; i++) {
		const struct vmha_area *it = areas->at[i];

		if (it->table_verdict != HA_BLOCK_OK) {
			return ha_err_set(
				err, -EIO, "%s: slot table %s: %s", it->path,
				ha_block_verdict_name(it->table_verdict),
				ha_block_verdict_text(it->table_verdict));
		}
		for (uint32_t s = 0; s < one->sb.slots; s++) {
			if (strcmp(it->table.names[s], one->table.names[s]) !=
			    0) {
				return ha_err_set(
					err, -EXDEV,
					"slot %" PRIu32 " is \"%s\" on %s and "
					"\"%s\" on %s; \"vmha heartbeat check "
					"--fix\" mends that",
					s, one->table.names[s], one->path,
					it->table.names[s], it->path);
			}
		}
	}
	return 0;
}

static bool
is_unclaimed(const struct vmha_areas *areas, uint32_t slot)
{
	for (uint32_t i = 0; i < areas->count; i++) {
		const struct vmha_area *area = areas->at[i];

		if (area->beat_verdict[slot] != HA_BLOCK_OK ||
		    area->beat[slot].state != HA_BEAT_UNCLAIMED) {
			return false;
		}
	}
	return true;
}

/* Its own former slot, else one that was never used, else any. */
static uint32_t
pick_slot(const struct vmha_areas *areas, const char *host)
{
	const struct vmha_area *one = areas->at[0];
	uint32_t fresh = HA_SLOT_NONE;
	uint32_t any = HA_SLOT_NONE;

	for (uint32_t s = 0; s < one->sb.slots; s++) {
		const struct ha_beat *beat = vmha_areas_beat(areas, s);

		if (one->table.names[s][0]) {
			continue;
		}
		if (beat && beat->incarnation > 0 &&
		    strcmp(beat->host, host) == 0) {
			return s;
		}
		any = any == HA_SLOT_NONE ? s : any;
		if (fresh == HA_SLOT_NONE && is_unclaimed(areas, s)) {
			fresh = s;
		}
	}
	return fresh != HA_SLOT_NONE ? fresh : any;
}

/* Above all that the slot ever had. All of its beats are overwritten, so that no
 * number that is hidden now can come to light: no dice. */
static uint64_t
next_incarnation(const struct vmha_areas *areas, uint32_t slot)
{
	struct ha_watch watch;

	vmha_areas_watch(areas, slot, &watch);
	return ha_incarnation_next(&watch, 0);
}

/* Beat and lists of whoever had the slot before. To running daemons the new
 * beat is a later incarnation, which stopped cleanly. */
static int
wipe_slot(struct vmha_area *area, uint32_t slot, uint64_t incarnation,
	  const char *host, struct ha_err *err)
{
	const struct ha_layout *layout = &area->layout;
	struct ha_beat beat = {
		.slot = slot,
		.incarnation = incarnation,
		.sequence = 1,
		.state = HA_BEAT_STOPPED,
	};
	size_t blocks = layout->list_blocks > layout->hold_blocks ?
				layout->list_blocks :
				layout->hold_blocks;
	void *zeros = ha_disk_buffer_new(blocks * HA_BLOCK);
	int rc = zeros ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	(void)ha_text_copy(beat.host, sizeof(beat.host), host);
	if (rc == 0) {
		memset(zeros, 0, blocks * HA_BLOCK);
	}
	for (uint64_t copy = 0; rc == 0 && copy < 2; copy++) {
		uint64_t which = 2 * (uint64_t)slot + copy;

		rc = vmha_area_write(
			area, layout->lists.first + which * layout->list_blocks,
			layout->list_blocks, zeros, err);
		if (rc == 0) {
			rc = vmha_area_write(
				area,
				layout->holds.first +
					which * layout->hold_blocks,
				layout->hold_blocks, zeros, err);
		}
	}
	ha_disk_buffer_free(zeros);
	return rc == 0 ? vmha_area_write_beat(area, &beat, err) : rc;
}

static int
write_tables(struct vmha_areas *areas, struct ha_err *err)
{
	uint64_t generation = 0;
	int rc = 0;

	for (uint32_t i = 0; i < areas->count; i++) {
		uint64_t g = areas->at[i]->sb.generation;

		generation = g > generation ? g : generation;
	}
	for (uint32_t i = 0; rc == 0 && i < areas->count; i++) {
		areas->at[i]->sb.generation = generation + 1;
		rc = vmha_area_write_table(areas->at[i], err);
		if (rc == 0) {
			rc = vmha_area_write_sb(areas->at[i], err);
		}
	}
	return rc;
}

int
vmha_slot_give(struct vmha_areas *areas, const char *host, bool is_forced,
	       uint32_t *ret_slot, struct ha_err *err)
{
	const struct ha_beat *beat;
	struct ha_hostset live;
	uint64_t incarnation;
	uint32_t slot;
	int rc = vmha_host_name_check(host, err);

	if (rc == 0) {
		rc = check_tables(areas, err);
	}
	if (rc < 0) {
		return rc;
	}
	slot = ha_slot_find(&areas->at[0]->table, host);
	if (slot != HA_SLOT_NONE) {
		return ha_err_set(err, -EEXIST,
				  "%s has slot %" PRIu32 " already", host,
				  slot);
	}
	slot = pick_slot(areas, host);
	if (slot == HA_SLOT_NONE) {
		return ha_err_set(
			err, -ENOSPC,
			"all %" PRIu32 " slots are given; take one "
			"back with \"vmha heartbeat remove-host\", or "
			"create the areas with more --slots",
			areas->at[0]->sb.slots);
	}
	beat = vmha_areas_beat(areas, slot);
	if (!is_unclaimed(areas, slot) &&
	    !(beat && strcmp(beat->host, host) == 0)) {
		rc = vmha_areas_live(areas, &live, err);
		if (rc == 0 && ha_hostset_has(&live, slot) && !is_forced) {
			rc = ha_err_set(err, -EBUSY,
					"the only free slot, %" PRIu32
					", is written by %s right now; stop "
					"vmha-heartbeatd there",
					slot, beat ? beat->host : "somebody");
		}
		incarnation = next_incarnation(areas, slot);
		for (uint32_t i = 0; rc == 0 && i < areas->count; i++) {
			rc = wipe_slot(areas->at[i], slot, incarnation, host,
				       err);
		}
	}
	for (uint32_t i = 0; rc == 0 && i < areas->count; i++) {
		rc = ha_text_copy(areas->at[i]->table.names[slot], HA_HOST_NAME,
				  host);
	}
	if (rc == 0) {
		rc = write_tables(areas, err);
	}
	if (rc == 0) {
		*ret_slot = slot;
	}
	return rc;
}

static int
tell(struct vmha *v, const char *what, const char *host, uint32_t slot,
     uint32_t areas)
{
	if (v->args.is_json) {
		return vmha_json(v, json_pack("{s:s, s:s, s:i, s:i}", "done",
					      what, "host", host, "slot",
					      (int)slot, "areas", (int)areas));
	}
	printf("%s: slot %" PRIu32 " %s on %" PRIu32 " area%s.\n", host, slot,
	       what, areas, areas == 1 ? "" : "s");
	printf("Daemons that run see it within a beat.\n");
	return VMHA_OK;
}

int
vmha_add_host(struct vmha *v)
{
	const char *host = v->args.operand[0];
	struct vmha_areas areas = { 0 };
	uint32_t slot = 0;
	int rc = vmha_areas_open(v, 1, false, true, &areas);
	uint32_t count = areas.count;

	if (rc == 0) {
		rc = vmha_slot_give(&areas, host, v->args.is_forced, &slot,
				    &v->err);
		vmha_areas_close(&areas);
	}
	return rc < 0 ? vmha_fail(v, rc) : tell(v, "given", host, slot, count);
}

static bool
is_out(const struct ha_beat *beat)
{
	return beat &&
	       (beat->state == HA_BEAT_UNCLAIMED ||
		(beat->state == HA_BEAT_STOPPED && beat->list_count == 0));
}

/* A slot without a name is nobody's: its host must be out of the way first
 * (SAFETY 1.5), or a person says that it is. */
static int
may_remove(struct vmha *v, struct vmha_areas *areas, uint32_t slot,
	   const char *host)
{
	const struct ha_beat *beat;
	struct ha_hostset live;
	int rc = vmha_areas_live(areas, &live, &v->err);

	if (rc < 0) {
		return rc;
	}
	if (ha_hostset_has(&live, slot)) {
		return ha_err_set(&v->err, -EBUSY,
				  "%s beats: stop vmha-heartbeatd there first",
				  host);
	}
	/* Who only claims may go on yet. */
	beat = vmha_areas_beat(areas, slot);
	if (is_out(beat)) {
		beat = vmha_areas_last(areas, slot);
	}
	if (v->args.is_forced || is_out(beat)) {
		return 0;
	}
	return ha_err_set(&v->err, -EBUSY,
			  "%s was not stopped cleanly (%s, %" PRIu32
			  " VMs on its list): it may still run them without "
			  "its storage. Switch it off, then use --force",
			  host,
			  beat ? ha_beat_state_name(beat->state) :
				 "its beat can't be read",
			  beat ? beat->list_count : 0);
}

int
vmha_remove_host(struct vmha *v)
{
	const char *host = v->args.operand[0];
	struct vmha_areas areas = { 0 };
	uint32_t slot = HA_SLOT_NONE;
	int rc = vmha_areas_open(v, 1, false, true, &areas);
	uint32_t count = areas.count;

	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	rc = check_tables(&areas, &v->err);
	if (rc == 0) {
		slot = ha_slot_find(&areas.at[0]->table, host);
		if (slot == HA_SLOT_NONE) {
			rc = ha_err_set(&v->err, -ESRCH,
					"%s has no slot; \"vmha heartbeat "
					"list\" shows who has",
					host);
		}
	}
	if (rc == 0) {
		rc = may_remove(v, &areas, slot, host);
	}
	for (uint32_t i = 0; rc == 0 && i < areas.count; i++) {
		memset(areas.at[i]->table.names[slot], 0, HA_HOST_NAME);
	}
	if (rc == 0) {
		rc = write_tables(&areas, &v->err);
	}
	vmha_areas_close(&areas);
	return rc < 0 ? vmha_fail(v, rc) :
			tell(v, "taken back", host, slot, count);
}
