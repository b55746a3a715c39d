/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of new areas. First the superblocks of all are wiped, so that
 * what was there is over everywhere; then everything else; the superblocks
 * last, when every area is complete.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"
#include "create.h"

#define CHUNK_BLOCKS 256u /* 1 MiB */

static int
wipe(struct vmha_area *area, uint64_t first, uint64_t blocks,
     struct ha_err *err)
{
	uint8_t *zeros = ha_disk_buffer_new((size_t)CHUNK_BLOCKS * HA_BLOCK);
	int rc = zeros ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		memset(zeros, 0, (size_t)CHUNK_BLOCKS * HA_BLOCK);
	}
	while (rc == 0 && blocks > 0) {
		uint64_t n = blocks < CHUNK_BLOCKS ? blocks : CHUNK_BLOCKS;

		rc = vmha_area_write(area, first, n, zeros, err);
		first += n;
		blocks -= n;
	}
	ha_disk_buffer_free(zeros);
	return rc;
}

static int
write_beats(struct vmha_area *area, const struct ha_slot_table *table,
	    struct ha_err *err)
{
	const struct ha_region *region = &area->layout.beats;
	uint8_t *blocks = ha_disk_buffer_new(region->blocks * HA_BLOCK);
	int rc = blocks ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	for (uint32_t slot = 0; rc == 0 && slot < area->sb.slots; slot++) {
		struct ha_beat beat = { .slot = slot,
					.state = HA_BEAT_UNCLAIMED };

		(void)ha_text_copy(beat.host, sizeof(beat.host),
				   table->names[slot]);
		ha_beat_encode(&area->sb, &beat,
			       blocks + (size_t)slot * HA_BLOCK);
	}
	if (rc == 0) {
		rc = vmha_area_write(area, region->first, region->blocks,
				     blocks, err);
	}
	ha_disk_buffer_free(blocks);
	return rc;
}

static int
write_body(struct vmha_area *area, const struct create *c, struct ha_err *err)
{
	const struct ha_layout *layout = &c->layout;
	uint64_t rest = layout->lists.first;
	int rc;

	area->table = c->table;
	rc = wipe(area, rest, layout->total_blocks - rest, err);
	if (rc == 0) {
		rc = write_beats(area, &c->table, err);
	}
	return rc == 0 ? vmha_area_write_table(area, err) : rc;
}

/* What stands there now is what was wanted. */
static int
look_back(const char *path, const struct create *c, struct ha_err *err)
{
	struct vmha_area *area = NULL;
	int rc = vmha_area_open(path, true, &area, err);

	if (rc == 0 && area->verdict != HA_BLOCK_OK) {
		rc = vmha_area_refuse(area, err);
	}
	if (rc == 0) {
		rc = vmha_area_load(area, err);
	}
	if (rc == 0 &&
	    (area->table_verdict != HA_BLOCK_OK ||
	     memcmp(&area->table, &c->table, sizeof(c->table)) != 0)) {
		rc = ha_err_set(err, -EIO,
				"%s reads back as something else (slot table "
				"%s); look at the storage",
				path,
				ha_block_verdict_name(area->table_verdict));
	}
	vmha_area_close(area);
	return rc;
}

int
create_write(struct vmha *v, struct create *c)
{
	struct vmha_area *area[HA_STORES_MAX] = { NULL };
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < c->sb.stores; i++) {
		area[i] = calloc(1, sizeof(*area[i]));
		if (!area[i]) {
			rc = ha_err_set(&v->err, -ENOMEM, "no memory");
			break;
		}
		(void)ha_text_copy(area[i]->path, sizeof(area[i]->path),
				   c->look[i].path);
		vmha_step("opening", area[i]->path, AREA_OPEN_MS);
		rc = ha_disk_open(area[i]->path, false,
				  c->layout.total_blocks * HA_BLOCK,
				  &area[i]->disk, &v->err);
		if (rc == 0) {
			area[i]->sb = c->sb;
			area[i]->sb.store = c->store[i];
			area[i]->sb.store_index = i;
			area[i]->layout = c->layout;
			c->device[i] = ha_disk_device(area[i]->disk);
			rc = wipe(area[i], 0, 2, &v->err);
		}
	}
	for (uint32_t i = 0; rc == 0 && i < c->sb.stores && area[i]; i++) {
		rc = write_body(area[i], c, &v->err);
	}
	for (uint32_t i = 0; rc == 0 && i < c->sb.stores && area[i]; i++) {
		rc = vmha_area_write_sb(area[i], &v->err);
	}
	for (uint32_t i = 0; i < c->sb.stores; i++) {
		vmha_area_close(area[i]);
	}
	for (uint32_t i = 0; rc == 0 && i < c->sb.stores; i++) {
		rc = look_back(c->look[i].path, c, &v->err);
	}
	return rc;
}
