/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datastore opens, in its own thread: the file or device, then its
 * superblock and slot table. It is used only when it is an area that this
 * program may write, of the cluster that the others belong to, and, when it
 * was open before, the very same one. Whatever is wrong stands in its view.
 * May hang as long as the disk does; nobody else waits for it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

enum ha_block_verdict
hb_superblock_decode(const uint8_t *blocks, struct ha_superblock *ret_sb)
{
	enum ha_block_verdict verdict = ha_superblock_decode(blocks, 0, ret_sb);

	if (verdict != HA_BLOCK_OK && verdict != HA_BLOCK_NEWER &&
	    ha_superblock_decode(blocks + HA_BLOCK, 1, ret_sb) == HA_BLOCK_OK) {
		return HA_BLOCK_OK;
	}
	return verdict;
}

int
hb_area_compare(const struct ha_superblock *a, const struct ha_superblock *b,
		struct ha_err *err)
{
	const char *what = NULL;

	if (memcmp(&a->cluster, &b->cluster, sizeof(a->cluster)) != 0) {
		what = "cluster uuid";
	} else if (strcmp(a->name, b->name) != 0) {
		what = "cluster name";
	} else if (a->stores != b->stores) {
		what = "number of datastores";
	} else if (a->slots != b->slots || a->vms != b->vms ||
		   a->protected_vms != b->protected_vms) {
		what = "room for hosts or VMs";
	} else if (memcmp(&a->timing, &b->timing, sizeof(a->timing)) != 0) {
		what = "timing";
	}
	if (!what) {
		return 0;
	}
	return ha_err_set(err, -EINVAL,
			  "another %s than the other datastores: run `vmha "
			  "heartbeat check`",
			  what);
}

static int
fail(struct hb_store *st, int code, bool is_refused, const struct ha_err *err)
{
	struct hb *hb = st->hb;

	ha_disk_close(st->disk);
	st->disk = NULL;
	pthread_mutex_lock(&hb->lock);
	st->is_refused = is_refused;
	hb->views[st->index].is_open = false;
	hb_store_failed(st, code, err->text);
	pthread_mutex_unlock(&hb->lock);
	return code;
}

/* Waits for the one read, however long the disk takes, or for the end of the
 * daemon. A disk that can't answer is said so meanwhile. */
static int
read_whole(struct hb_store *st, void *buffer, size_t bytes, uint64_t offset)
{
	struct hb *hb = st->hb;
	struct ha_disk_end ends[HA_DISK_OPS];
	struct pollfd fd = { .fd = ha_disk_fd(st->disk), .events = POLLIN };
	int rc = ha_disk_read(st->disk, HB_TAG_OPEN, buffer, bytes, offset);

	while (rc == 0) {
		int ready = poll(&fd, 1, (int)HB_IDLE_MS);

		if (ha_disk_reap(st->disk, ends) > 0) {
			return ends[0].result;
		}
		if (hb_is_ending(hb)) {
			return -EINTR;
		}
		if (ready == 0) {
			pthread_mutex_lock(&hb->lock);
			hb_store_failed(st, -ETIMEDOUT,
					"the first read hangs: look at the "
					"path to this datastore");
			pthread_mutex_unlock(&hb->lock);
		}
	}
	return rc;
}

/* 0, or a failure that no waiting mends (is_refused). */
static int
judge_superblock(struct hb_store *st, bool *ret_is_refused, struct ha_err *err)
{
	const struct hb *hb = st->hb;
	struct ha_superblock *sb = &st->sb;
	enum ha_block_verdict verdict = hb_superblock_decode(st->first, sb);

	*ret_is_refused = verdict == HA_BLOCK_NEWER;
	if (verdict != HA_BLOCK_OK) {
		return ha_err_set(err, -EMEDIUMTYPE, "superblock: %s",
				  ha_block_verdict_text(verdict));
	}
	*ret_is_refused = true;
	if ((sb->ro_compat & ~HA_FEATURE_RO_COMPAT) != 0 ||
	    (sb->incompat & ~HA_FEATURE_INCOMPAT) != 0) {
		return ha_err_set(err, -EMEDIUMTYPE,
				  "uses features of a newer vmha (0x%x, 0x%x): "
				  "install the version that the other hosts "
				  "run",
				  sb->ro_compat, sb->incompat);
	}
	if (sb->stores != hb->conf.stores) {
		return ha_err_set(err, -EINVAL,
				  "the cluster has %u datastores, vmha.conf "
				  "names %u: name all of them",
				  sb->stores, hb->conf.stores);
	}
	if (ha_timing_check(&sb->timing, err) < 0 ||
	    ha_layout_compute(sb, &st->layout) < 0) {
		return ha_err_prefix(err, -EINVAL, "superblock");
	}
	*ret_is_refused = false;
	if (ha_disk_bytes(st->disk) < st->layout.total_blocks * HA_BLOCK) {
		return ha_err_set(err, -EMEDIUMTYPE,
				  "shorter than its superblock says (%llu "
				  "blocks): it was cut",
				  (unsigned long long)st->layout.total_blocks);
	}
	return 0;
}

/* Lock held. A datastore that comes back, or joins late, is the one it must
 * be. Before agreement boot.c compares all at once. */
static int
judge_identity(struct hb_store *st, struct ha_err *err)
{
	struct hb *hb = st->hb;
	struct hb_store_view *view = &hb->views[st->index];
	uint32_t i;

	if (st->was_open &&
	    memcmp(&view->sb.store, &st->sb.store, sizeof(st->sb.store)) != 0) {
		return ha_err_set(err, -ESTALE,
				  "another area than before: restart the "
				  "daemon if this is meant");
	}
	if (!hb->is_agreed) {
		return 0;
	}
	for (i = 0; i < hb->conf.stores; i++) {
		if (i != st->index && hb->stores[i]->was_open &&
		    hb->views[i].sb.store_index == st->sb.store_index) {
			return ha_err_set(err, -EEXIST, "the same area as %s",
					  hb->conf.store[i]);
		}
	}
	for (i = 0; i < hb->sb.slots; i++) {
		const char *mine = hb->table.names[i];
		const char *there = st->table.names[i];

		/* As hb_seen_head() does: no beat, no history. */
		if (mine[0] && there[0] && strcmp(mine, there) != 0 &&
		    (i == hb->self || hb->hosts[i].has_beat)) {
			return ha_err_set(err, -ESTALE,
					  "slot %u is %s's here and %s's on "
					  "the other datastores: run `vmha "
					  "heartbeat check`",
					  i, there, mine);
		}
	}
	return hb_area_compare(&st->sb, &hb->sb, err);
}

static int
publish(struct hb_store *st, struct ha_err *err)
{
	struct hb *hb = st->hb;
	struct hb_store_view *view = &hb->views[st->index];
	int rc;
	uint32_t i;

	pthread_mutex_lock(&hb->lock);
	rc = judge_identity(st, err);
	if (rc == 0) {
		view->sb = st->sb;
		view->device = ha_disk_device(st->disk);
		view->is_open = true;
		st->opens++;
		st->was_open = true;
		st->is_refused = false;
		/* It may have been away: what it showed proves nothing. */
		for (i = 0; hb->is_agreed && i < hb->sb.slots; i++) {
			ha_watch_forget(&hb->hosts[i].watch, st->index);
		}
		/* Nor that it was read: what r have shown counts together. */
		view->read_ms = 0;
		if (!hb->is_agreed) {
			view->error[0] = '\0';
		}
		hb_wake(hb->main_fd);
	}
	pthread_mutex_unlock(&hb->lock);
	return rc;
}

static int
read_superblock(struct hb_store *st, bool *ret_is_refused, struct ha_err *err)
{
	const size_t bytes = (size_t)2 * HA_BLOCK;
	int rc = ha_disk_open(st->hb->conf.store[st->index], false, bytes,
			      &st->disk, err);

	if (rc < 0) {
		st->disk = NULL;
		return rc;
	}
	rc = read_whole(st, st->first, bytes, 0);
	if (rc < 0) {
		return ha_err_set(err, rc, "can't read it: %s", strerror(-rc));
	}
	return judge_superblock(st, ret_is_refused, err);
}

static int
read_table(struct hb_store *st, struct ha_err *err)
{
	int rc = read_whole(st, st->head,
			    (size_t)st->layout.table.blocks * HA_BLOCK,
			    st->layout.table.first * HA_BLOCK);

	if (rc < 0) {
		return ha_err_set(err, rc, "can't read its slots: %s",
				  strerror(-rc));
	}
	if (ha_slot_table_decode(&st->sb, st->head, &st->table) !=
	    HA_BLOCK_OK) {
		return ha_err_set(err, -EMEDIUMTYPE,
				  "its slot table is damaged: run `vmha "
				  "heartbeat check --fix`");
	}
	return 0;
}

static int
make_room(struct hb_store *st, struct ha_err *err)
{
	struct hb *hb = st->hb;
	int rc;

	pthread_mutex_lock(&hb->lock);
	rc = hb->is_agreed ? hb_area_compare(&st->sb, &hb->sb, err) : 0;
	if (rc == 0) {
		rc = hb_store_buffers(st, &st->sb, &st->layout);
		if (rc < 0) {
			(void)ha_err_set(err, rc,
					 "no buffers for it: restart the "
					 "daemon");
		}
	}
	pthread_mutex_unlock(&hb->lock);
	return rc;
}

int
hb_store_open(struct hb_store *st)
{
	struct ha_err err = HA_ERR_INIT;
	bool is_refused = false;
	int rc = read_superblock(st, &is_refused, &err);

	st->has_head = false;
	st->next_read_ms = 0;
	if (rc == 0) {
		rc = make_room(st, &err);
	}
	if (rc == 0) {
		rc = read_table(st, &err);
	}
	if (rc == 0) {
		rc = publish(st, &err);
	}
	return rc < 0 ? fail(st, rc, is_refused, &err) : 0;
}
