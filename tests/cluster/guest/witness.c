// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The disk witness while the guest runs. Before each write of the owner
 * sector it is read and compared with what this copy itself wrote last; any
 * difference means that somebody else writes to this disk. That is recorded
 * where nothing is ever cleared, and then this copy goes on as before: its
 * own next write is what lets the other copy notice too.
 *
 * Nothing is written after a read that failed.
 */
#include "witness.h"

const char *
witness_state_name(enum witness_state state)
{
	switch (state) {
	case WITNESS_OK:
		return "ok";
	case WITNESS_NO_DISK:
		return "none";
	case WITNESS_FOREIGN:
		return "foreign";
	case WITNESS_UNREADABLE:
		return "unreadable";
	}
	return "?";
}

void
record_seal(struct record *r, const char *magic)
{
	memcpy(r->magic, magic, MAGIC_BYTES);
	r->crc = crc32(r, offsetof(struct record, crc));
}

bool
record_is_valid(const union sector *s, const char *magic)
{
	const struct record *r = &s->record;

	return !memcmp(r->magic, magic, MAGIC_BYTES) &&
	       r->crc == crc32(r, offsetof(struct record, crc));
}

bool
sector_is_blank(const union sector *s)
{
	for (size_t i = 0; i < SECTOR_BYTES; i++) {
		if (s->bytes[i]) {
			return false;
		}
	}
	return true;
}

static void
disk_error(struct witness *w, const char *what, uint32_t lba)
{
	w->now.disk_errors++;
	say("nano: disk error %s lba=%u errors=%u\n", what, lba,
	    w->now.disk_errors);
}

int
witness_store(struct witness *w, uint32_t lba, const union sector *s)
{
	if (ide_write(lba, s->bytes)) {
		disk_error(w, "write", lba);
		return -1;
	}
	return 0;
}

/* The first free slot; the area is never cleared and never wraps round. */
static bool
slot_find(struct witness *w, uint32_t *ret_lba)
{
	union sector s;

	for (uint32_t i = 0; i < VIOLATION_SLOTS; i++) {
		if (ide_read(LBA_VIOLATIONS + i, s.bytes)) {
			disk_error(w, "read", LBA_VIOLATIONS + i);
			return false;
		}
		if (sector_is_blank(&s)) {
			*ret_lba = LBA_VIOLATIONS + i;
			return true;
		}
	}
	return false;
}

static void
violation_append(struct witness *w, const union sector *v)
{
	union sector back;
	uint32_t lba;

	/* The other copy is likely to append at this very moment: when it took
	 * the slot, take the next one. Each try uses one up, so it ends. */
	while (slot_find(w, &lba)) {
		if (witness_store(w, lba, v) || ide_read(lba, back.bytes) ||
		    !memcmp(v, &back, SECTOR_BYTES)) {
			break;
		}
	}
	if (ide_flush()) {
		disk_error(w, "flush", LBA_VIOLATIONS);
	}
}

void
witness_violation(struct witness *w, enum violation_kind kind,
		  const union sector *expected, const union sector *found)
{
	union sector s;
	struct violation *v = &s.violation;

	w->now.violations++;
	w->now.flags |= FLAG_VIOLATED;
	w->own_violations++;
	if (w->own_violations > VIOLATIONS_PER_BOOT) {
		return;
	}
	memset(&s, 0, sizeof(s));
	memcpy(v->magic, MAGIC_VIOLATION, MAGIC_BYTES);
	v->boot = w->now.boot;
	v->ordinal = w->now.ordinal;
	v->kind = kind;
	v->rtc_s = rtc_read_s();
	v->counter = w->now.counter;
	v->seq = w->own_violations;
	v->found_crc = crc32(found, SECTOR_BYTES);
	v->expected = expected->record;
	memcpy(v->found, found, sizeof(v->found));
	v->crc = crc32(v, offsetof(struct violation, crc));
	violation_append(w, &s);
	/* Said only now: who reads the line may rely on the disk. */
	say("nano: VIOLATION kind=%u boot=%llx count=%llu found_boot=%llx "
	    "found_ordinal=%u found_count=%llu\n",
	    (uint32_t)kind, w->now.boot, w->now.counter, found->record.boot,
	    found->record.ordinal, found->record.counter);
}

/* False when the disk could not be read: then it must not be written. */
static bool
owner_check(struct witness *w)
{
	union sector found;
	enum violation_kind kind = VIOLATION_OTHER_BOOT;

	if (ide_read(LBA_OWNER, found.bytes)) {
		disk_error(w, "read", LBA_OWNER);
		return false;
	}
	if (!memcmp(&found, &w->mine[0], SECTOR_BYTES) ||
	    !memcmp(&found, &w->mine[1], SECTOR_BYTES)) {
		return true;
	}
	if (!record_is_valid(&found, MAGIC_OWNER)) {
		kind = VIOLATION_UNREADABLE;
	} else if (found.record.boot == w->now.boot) {
		kind = VIOLATION_SAME_BOOT;
	}
	witness_violation(w, kind, &w->mine[0], &found);
	return true;
}

static void
history_write(struct witness *w)
{
	union sector s;

	memset(&s, 0, sizeof(s));
	s.record = w->now;
	record_seal(&s.record, MAGIC_HISTORY);
	(void)witness_store(w, LBA_HISTORY + w->now.history_seq % HISTORY_SLOTS,
			    &s);
}

static int
owner_write(struct witness *w, bool flush)
{
	uint64_t rtc_s = rtc_read_s();

	if (w->now.rtc_s && rtc_s > w->now.rtc_s + w->now.gap_s) {
		w->now.gap_s = (uint32_t)(rtc_s - w->now.rtc_s);
	}
	w->now.rtc_s = rtc_s;
	w->now.counter++;
	w->now.total++;
	w->now.nonce = tsc_read();

	memset(&w->mine[1], 0, sizeof(w->mine[1]));
	w->mine[1].record = w->now;
	record_seal(&w->mine[1].record, MAGIC_OWNER);
	if (witness_store(w, LBA_OWNER, &w->mine[1])) {
		return -1;
	}
	w->mine[0] = w->mine[1];
	if (flush && ide_flush()) {
		disk_error(w, "flush", LBA_OWNER);
		return -1;
	}
	return 0;
}

/* About one history record each second, whatever the tick rate. */
static bool
history_is_due(const struct witness *w)
{
	uint64_t count = w->now.counter - 1;

	return div64(&count, w->now.tick_hz) == 0;
}

void
witness_tick(struct witness *w)
{
	bool due;

	if (w->state != WITNESS_OK || !owner_check(w)) {
		return;
	}
	/* The owner record counts the history record that follows it, so a
	 * successor continues behind it even when it was not written. */
	w->now.counter++;
	due = history_is_due(w);
	w->now.counter--;
	w->now.history_seq += due;
	if (!owner_write(w, w->flush) && due) {
		history_write(w);
	}
}

/* The last write before an orderly power-off. */
void
witness_end(struct witness *w)
{
	if (w->state != WITNESS_OK || !owner_check(w)) {
		return;
	}
	w->now.flags |= FLAG_CLEAN;
	w->now.history_seq++;
	if (!owner_write(w, true)) {
		history_write(w);
		(void)ide_flush();
	}
}

static void
boot_entry_write(struct witness *w)
{
	union sector s;

	memset(&s, 0, sizeof(s));
	s.record = w->now;
	record_seal(&s.record, MAGIC_BOOT);
	if (witness_store(w, LBA_BOOTS + w->now.ordinal % BOOT_SLOTS, &s) ||
	    ide_flush()) {
		say("nano: boot entry not written\n");
	}
}

void
witness_init(struct witness *w, const struct options *o, uint32_t disk_sectors)
{
	union sector owner, none;
	bool stale;

	memset(w, 0, sizeof(*w));
	w->flush = o->flush;
	w->now.boot = takeover_boot_id();
	w->now.tick_hz = o->tick_hz;
	w->now.start_rtc_s = rtc_read_s();
	w->state = disk_sectors ? WITNESS_OK : WITNESS_NO_DISK;
	if (disk_sectors && disk_sectors < WITNESS_SECTORS) {
		w->state = WITNESS_FOREIGN;
	}
	if (w->state != WITNESS_OK || !takeover_read(w, &owner, &stale)) {
		return;
	}
	if (stale) {
		memset(&none, 0, sizeof(none));
		witness_violation(w, VIOLATION_STALE_OWNER, &none, &owner);
	}
	w->now.history_seq++;
	if (owner_write(w, true)) {
		/* mine[0] must hold what was there, or the next tick would
		 * call the predecessor's record a violation. */
		w->mine[0] = owner;
		return;
	}
	boot_entry_write(w);
	history_write(w);
}
