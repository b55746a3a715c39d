/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several hosts' beating halves in one process, on real files beside the test
 * program. Nothing is armed: hb_join() stops before the watchdog. The one
 * thing that is faked is ha_host_reset(), which would take this machine
 * along. Each program that includes this links that fake instead.
 */
#ifndef HB_HOSTS_H
#define HB_HOSTS_H

#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "unit.h"

#include "ha/clock.h"
#include "ha/watchdog.h"
#include "heartbeat/store.h"

#define STORES 3u
#define HOSTS 3u
#define VMS 64u
#define B_MS 200u
#define TEST_END_S 120 /* a failed assertion under a lock would hang */
#define FAR_MS 20000u  /* a test that waits as long has failed */

static const char *const HOST_NAMES[] = { "alpha", "beta", "gamma" };
static char test_dir[HA_PATH - 16];
static char test_file[STORES][HA_PATH];
static struct hb test_hb[HOSTS + 1];
static int test_resets;

int
ha_host_reset(bool is_off)
{
	(void)is_off;
	__atomic_add_fetch(&test_resets, 1, __ATOMIC_SEQ_CST);
	return -1;
}

static inline void
hosts_setup(const char *program)
{
	char *copy = strdup(program);
	uint32_t i;

	assert_non_null(copy);
	snprintf(test_dir, sizeof(test_dir), "%s/%s.dir", dirname(copy),
		 strrchr(program, '/') ? strrchr(program, '/') + 1 : program);
	free(copy);
	(void)mkdir(test_dir, 0755);
	for (i = 0; i < STORES; i++) {
		snprintf(test_file[i], sizeof(test_file[i]), "%s/store%u",
			 test_dir, i);
	}
}

static inline struct ha_superblock
area_superblock(uint32_t index)
{
	struct ha_superblock sb = {
		.version = HA_AREA_VERSION,
		.cluster = { .bytes = { 1, 2, 3 } },
		.name = "unit",
		.store = { .bytes = { 7, (uint8_t)index } },
		.store_index = index,
		.stores = STORES,
		.slots = 4,
		.vms = VMS,
		.protected_vms = VMS,
		.profile = HA_PROFILE_CUSTOM,
		.timing = { .beat_ms = B_MS,
			    .watchdog_ms = 1000,
			    .tolerance_ms = B_MS,
			    .drift_ppm = 1000 },
		.generation = 1,
	};

	return sb;
}

static inline void
area_put(uint32_t store, uint64_t block_no, const void *blocks, size_t count)
{
	int fd = open(test_file[store], O_WRONLY | O_CLOEXEC);
	size_t bytes = count * HA_BLOCK;

	assert_true(fd >= 0);
	assert_int_equal(
		pwrite(fd, blocks, bytes, (off_t)(block_no * HA_BLOCK)), bytes);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static inline void
area_get(uint32_t store, uint64_t block_no, void *blocks, size_t count)
{
	int fd = open(test_file[store], O_RDONLY | O_CLOEXEC);
	size_t bytes = count * HA_BLOCK;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, blocks, bytes, (off_t)(block_no * HA_BLOCK)),
			 bytes);
	close(fd);
}

static inline void
area_make(uint32_t store, const struct ha_superblock *sb)
{
	struct ha_layout layout;
	struct ha_slot_table table = { { "alpha", "beta", "gamma" } };
	struct ha_beat beat = { .state = HA_BEAT_UNCLAIMED };
	uint8_t block[HA_BLOCK];
	uint8_t *blocks;
	uint32_t i;

	assert_int_equal(ha_layout_compute(sb, &layout), 0);
	(void)unlink(test_file[store]);
	assert_int_equal(ha_disk_prepare(test_file[store],
					 layout.total_blocks * HA_BLOCK, NULL),
			 0);
	for (i = 0; i < 2; i++) {
		ha_superblock_encode(sb, i, block);
		area_put(store, i, block, 1);
	}
	blocks = calloc(layout.table.blocks, HA_BLOCK);
	assert_non_null(blocks);
	ha_slot_table_encode(sb, &table, blocks);
	area_put(store, layout.table.first, blocks, layout.table.blocks);
	free(blocks);
	for (i = 0; i < sb->slots; i++) {
		beat.slot = i;
		snprintf(beat.host, sizeof(beat.host), "%s", table.names[i]);
		ha_beat_encode(sb, &beat, block);
		area_put(store, layout.beats.first + i, block, 1);
	}
}

static inline int
areas_make(void **state)
{
	uint32_t i;

	(void)state;
	test_resets = 0;
	for (i = 0; i < STORES; i++) {
		struct ha_superblock sb = area_superblock(i);

		area_make(i, &sb);
	}
	return 0;
}

static inline void
say_nothing(int priority, const char *text)
{
	(void)priority;
	(void)text;
}

static uint64_t test_end_ms; /* 0: a start waits for ever */

static inline bool
is_over(void)
{
	return test_end_ms > 0 && ha_clock_now_ms() > test_end_ms;
}

static inline struct ha_hbconf
host_conf(const char *host)
{
	struct ha_hbconf conf = { .stores = STORES };
	uint32_t i;

	for (i = 0; i < STORES; i++) {
		memcpy(conf.store[i], test_file[i], sizeof(conf.store[i]));
	}
	snprintf(conf.host, sizeof(conf.host), "%s", host);
	return conf;
}

static inline int
host_join_conf(struct hb *hb, const struct ha_hbconf *conf, struct ha_err *err)
{
	static const struct hb_patience patience = { is_over, say_nothing };

	return hb_join(hb, conf, &patience, err);
}

static inline int
host_join(struct hb *hb, const char *host, struct ha_err *err)
{
	struct ha_hbconf conf = host_conf(host);

	return host_join_conf(hb, &conf, err);
}

static inline void
host_joined(struct hb *hb, const char *host)
{
	struct ha_err err = HA_ERR_INIT;

	if (host_join(hb, host, &err) < 0) {
		fail_msg("%s: %s", host, err.text);
	}
}

/* Frees what the process would else keep: the sanitizer counts leaks. */
static inline void
host_end(struct hb *hb)
{
	uint32_t i;

	hb_threads_end(hb, ha_clock_now_ms() + FAR_MS);
	for (i = 0; i < hb->conf.stores; i++) {
		struct hb_store *st = hb->stores[i];

		assert_true(st->is_ended);
		close(st->kick_fd);
		ha_disk_buffer_free(st->first);
		ha_disk_buffer_free(st->head);
		ha_disk_buffer_free(st->beat);
		ha_disk_buffer_free(st->own_blocks);
		ha_disk_buffer_free(st->peer_blocks);
		free(st->own_vms);
		free(st->peer_vms);
		free(st->own_holds);
		free(st->peer_holds);
		free(st);
	}
	free(hb->hosts[0].list.vms); /* one array for all hosts */
	free(hb->list.vms);
	free(hb->hosts[0].hold_list.holds);
	free(hb->hold_list.holds);
	close(hb->main_fd);
	close(hb->pet_fd);
	pthread_mutex_destroy(&hb->lock);
}

/* Waits for a fact that is read under the lock. */
#define wait_for(hb, fact)                                            \
	do {                                                          \
		uint64_t wait_end_ms = ha_clock_now_ms() + FAR_MS;    \
		bool wait_done = false;                               \
                                                                      \
		while (!wait_done) {                                  \
			pthread_mutex_lock(&(hb)->lock);              \
			wait_done = (fact);                           \
			pthread_mutex_unlock(&(hb)->lock);            \
			if (!wait_done &&                             \
			    ha_clock_left_ms(wait_end_ms) == 0) {     \
				fail_msg("not in time: %s", #fact);   \
			}                                             \
			ha_clock_sleep_ms(wait_done ? 0 : HB_STEP_MS, \
					  wait_end_ms);               \
		}                                                     \
	} while (0)

static inline uint64_t
sequence_of(struct hb *hb)
{
	uint64_t sequence;

	pthread_mutex_lock(&hb->lock);
	sequence = hb->sequence;
	pthread_mutex_unlock(&hb->lock);
	return sequence;
}

static inline bool
is_in_conflict(struct hb *hb)
{
	bool has_conflict;

	pthread_mutex_lock(&hb->lock);
	has_conflict = hb->has_conflict;
	pthread_mutex_unlock(&hb->lock);
	return has_conflict;
}

static inline uint32_t
count_events(struct hb *hb, enum hb_event_kind kind, uint64_t value)
{
	uint32_t count = 0;
	uint32_t i;

	pthread_mutex_lock(&hb->lock);
	for (i = 0; i < hb->events_count; i++) {
		const struct hb_event *event =
			&hb->events[(hb->events_first + i) % HB_EVENTS];

		count += event->kind == kind && event->value == value ? 1 : 0;
	}
	pthread_mutex_unlock(&hb->lock);
	return count;
}

static inline void
list_add(struct hb *hb, uint8_t id)
{
	pthread_mutex_lock(&hb->lock);
	hb->list.generation++;
	hb->list.vms[hb->list.count] = (struct ha_listed_vm){
		.uuid = { .bytes = { id } },
		.resource = "vm",
		.state = HA_LISTED_RUNNING,
		.since_generation = hb->list.generation,
	};
	hb->list.count++;
	pthread_mutex_unlock(&hb->lock);
	hb_kick(hb);
}

#endif
