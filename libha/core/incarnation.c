/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers that must be taken once only, though what is written last of them may
 * be unreadable.
 *
 * Which incarnation does a boot take? (SAFETY 1.4) Never one that stood on w,
 * which r readable datastores show; and none that another boot took and could
 * not flush, which may stand where this one can't read: incarnations name lists,
 * holds and orders, so two of one number must not be. That one may come out
 * higher than its successor; ha_watch_counts() keeps it from mattering. And which
 * term does a master take? (SAFETY 19) Never one of a master before.
 */
#include "ha/watch.h"

/* Above what the dice of so many starts in a row can have hidden. */
#define HIDDEN_JUMP (UINT64_C(1) << 48)

static uint32_t
count_told(const struct ha_watch *watch)
{
	uint32_t told = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		told += watch->at[i].is_seen &&
			(watch->at[i].what.kind == HA_GLIMPSE_BEAT ||
			 watch->at[i].what.kind == HA_GLIMPSE_UNCLAIMED);
	}
	return told;
}

uint64_t
ha_incarnation_next(const struct ha_watch *watch, uint32_t dice)
{
	uint64_t next = 0;
	uint32_t told = count_told(watch);

	for (uint32_t i = 0; i < watch->stores; i++) {
		const struct ha_sighting *beat = &watch->beats[i];

		if (beat->is_seen && beat->what.incarnation > next) {
			next = beat->what.incarnation;
		}
	}
	next++;
	if (told < watch->stores) {
		next += dice;
	}
	if (told < ha_stores_read(watch->stores)) {
		next += HIDDEN_JUMP;
	}
	return next;
}

bool
ha_watch_is_told(const struct ha_watch *watch)
{
	return count_told(watch) >= ha_stores_read(watch->stores);
}

uint64_t
ha_term_next(uint64_t highest, bool is_all_told, uint32_t dice)
{
	return highest + 1 + (is_all_told ? 0 : dice);
}
