// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a boot does before its first owner write: find out who ran last, and
 * become the successor. A blank disk is given a superblock; a disk with
 * anything else on it is never written.
 *
 * The order of writes is what keeps the chain whole when a boot dies in the
 * middle: the predecessor's boot entry is completed first (its record carries
 * everything needed), then the owner sector changes hands (witness.c), then
 * this boot's own entry is written.
 */
#include "witness.h"

#define FW_CFG_SELECTOR 0x510
#define FW_CFG_DATA 0x511
#define FW_CFG_UUID 0x02
#define UUID_BYTES 16
#define JITTER_ROUNDS 64
#define PIT_CHANNEL0 0x40
#define MIX_MULTIPLIER 0xff51afd7ed558ccdull /* MurmurHash3's finalizer */
#define MIX_SHIFT 33

static uint64_t
mix(uint64_t state, uint64_t value)
{
	state = (state ^ value) * MIX_MULTIPLIER;
	return state ^ state >> MIX_SHIFT;
}

/*
 * A boot id nobody else has: the host's clock, the machine's UUID, and the
 * time stamp counter sampled around port accesses, each of which takes as
 * long as the host was busy just then.
 */
uint64_t
takeover_boot_id(void)
{
	uint64_t id = mix(rtc_read_s(), tsc_read());

	outw(FW_CFG_SELECTOR, FW_CFG_UUID);
	for (int i = 0; i < UUID_BYTES; i++) {
		id = mix(id, inb(FW_CFG_DATA));
	}
	for (int i = 0; i < JITTER_ROUNDS; i++) {
		id = mix(id, inb(PIT_CHANNEL0));
		id = mix(id, tsc_read());
	}
	return id ? id : 1;
}

static bool
superblock_is_valid(const union sector *s)
{
	const struct superblock *b = &s->superblock;

	return !memcmp(b->magic, MAGIC_SUPERBLOCK, MAGIC_BYTES) &&
	       b->version == WITNESS_VERSION &&
	       b->crc == crc32(b, offsetof(struct superblock, crc));
}

static int
superblock_write(struct witness *w)
{
	union sector s;
	struct superblock *b = &s.superblock;

	memset(&s, 0, sizeof(s));
	memcpy(b->magic, MAGIC_SUPERBLOCK, MAGIC_BYTES);
	b->version = WITNESS_VERSION;
	b->sectors = WITNESS_SECTORS;
	b->format_rtc_s = rtc_read_s();
	b->format_boot = w->now.boot;
	b->crc = crc32(b, offsetof(struct superblock, crc));
	if (witness_store(w, LBA_SUPERBLOCK, &s)) {
		return -1;
	}
	return ide_flush();
}

static bool
superblock_ready(struct witness *w)
{
	union sector s;

	if (ide_read(LBA_SUPERBLOCK, s.bytes)) {
		w->state = WITNESS_UNREADABLE;
	} else if (sector_is_blank(&s)) {
		if (superblock_write(w)) {
			w->state = WITNESS_UNREADABLE;
		}
	} else if (!superblock_is_valid(&s)) {
		w->state = WITNESS_FOREIGN;
	}
	return w->state == WITNESS_OK;
}

/* The newest entry of the boot table; an ordinal of 0 means none. */
static bool
newest_boot_read(struct witness *w, union sector *ret_newest)
{
	union sector s;

	memset(ret_newest, 0, sizeof(*ret_newest));
	for (uint32_t i = 0; i < BOOT_SLOTS; i++) {
		if (ide_read(LBA_BOOTS + i, s.bytes)) {
			w->state = WITNESS_UNREADABLE;
			return false;
		}
		if (record_is_valid(&s, MAGIC_BOOT) &&
		    s.record.ordinal > ret_newest->record.ordinal) {
			*ret_newest = s;
		}
	}
	return true;
}

/* The boot that died between its first owner write and its boot entry. */
static int
entry_complete(struct witness *w, const struct record *owner)
{
	union sector s;

	memset(&s, 0, sizeof(s));
	s.record = *owner;
	s.record.flags |= FLAG_REPAIRED;
	record_seal(&s.record, MAGIC_BOOT);
	return witness_store(w, LBA_BOOTS + owner->ordinal % BOOT_SLOTS, &s);
}

/*
 * Fills in w->now from the disk. ret_owner is the owner sector as found, and
 * ret_stale tells that it does not fit to the boot table: somebody wrote an
 * old record over a newer one, or the sector was lost.
 */
bool
takeover_read(struct witness *w, union sector *ret_owner, bool *ret_stale)
{
	union sector newest;
	const struct record *pred = &ret_owner->record;

	*ret_stale = false;
	if (!superblock_ready(w) || !newest_boot_read(w, &newest)) {
		return false;
	}
	if (ide_read(LBA_OWNER, ret_owner->bytes)) {
		w->state = WITNESS_UNREADABLE;
		return false;
	}
	if (!record_is_valid(ret_owner, MAGIC_OWNER)) {
		*ret_stale = !sector_is_blank(ret_owner) ||
			     newest.record.ordinal > 0;
		pred = &newest.record;
	} else if (pred->ordinal < newest.record.ordinal ||
		   (pred->ordinal == newest.record.ordinal &&
		    pred->boot != newest.record.boot)) {
		*ret_stale = true;
		pred = &newest.record;
	} else if (pred->ordinal > newest.record.ordinal &&
		   entry_complete(w, pred)) {
		w->state = WITNESS_UNREADABLE;
		return false;
	}
	w->now.ordinal = pred->ordinal + 1;
	w->now.total = pred->total;
	w->now.history_seq = pred->history_seq;
	w->now.violations = pred->violations;
	w->now.pred_boot = pred->boot;
	w->now.pred_counter = pred->counter;
	w->now.pred_total = pred->total;
	w->now.pred_flags = pred->flags;
	w->now.pred_rtc_s = pred->rtc_s;
	return true;
}
