/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beating half inside: one struct hb_store per datastore, owned by its
 * thread. Fields marked "lock" are shared behind hb->lock; all others belong
 * to the thread alone. Everything a beat needs is allocated before arming.
 *
 *   store.c       the thread: what is due, what has ended
 *   store_open.c  a datastore opens, and is the right one
 *   beat.c        what a beat says, what became of it
 *   seen.c        what a read of all beats showed: hosts, orders, conflicts
 *   list.c        VM lists, own and others'
 *   hold_list.c   holds, likewise
 *   job.c         main's own bytes: the protected list
 *   pet.c         the watchdog
 *   boot.c        hb_start; boot_agree.c: areas and slot; boot_slot.c: the
 *                 incarnation
 */
#ifndef VMHA_HEARTBEAT_STORE_H
#define VMHA_HEARTBEAT_STORE_H

#include "ha/disk.h"
#include "heartbeat/hb.h"
#include "heartbeat/job.h"

#define HB_STACK_BYTES (256u * 1024u) /* of a store or pet thread */
#define HB_STACK_TOUCHED (64u * 1024u)
#define HB_STEP_MS 20u           /* how often main looks while it waits */
#define HB_UNKNOWN_BEAT_MS 1000u /* B, as long as no superblock tells it */
#define HB_OTHERS_MS 500u        /* for datastores that open later than r */
#define HB_SAY_MS 5000u          /* a start that waits says so that often */
#define HB_IDLE_MS 1000u         /* longest sleep of a store thread */
#define HB_PET_MARGIN_MS \
	20u /* younger than B by less: not petted, since
				  * the kill timer might fire at once */

enum hb_tag {
	HB_TAG_OPEN,
	HB_TAG_HEAD,     /* superblock, slot table, beats */
	HB_TAG_LIST,     /* another host's VM list */
	HB_TAG_HOLDS,    /* another host's holds */
	HB_TAG_OWN_LIST, /* one's own, written before the beat that names it */
	HB_TAG_OWN_HOLDS,
	HB_TAG_BEAT,
	HB_TAG_JOB, /* a piece of main's */
};

/* The lists that a host's beat on this very datastore names. Lock. */
struct hb_named {
	uint64_t incarnation, generation;
	uint32_t copy, count;
	bool is_tried; /* since the newest read of all beats */
	uint64_t hold_generation;
	uint32_t hold_copy, hold_count;
	bool is_hold_tried;
};

/* A beat, or VM list and holds, that lie on this datastore, or are on their
 * way there. Both lists are taken at one moment: then a beat with a higher
 * sequence never names an older one of either (SAFETY 14). */
struct hb_own {
	uint64_t sequence, incarnation, generation;
	enum ha_beat_state state;
	uint32_t copy, count;
	uint64_t hold_generation;
	uint32_t hold_copy, hold_count;
};

struct hb_store {
	struct hb *hb;
	uint32_t index; /* in conf, views, evidence and watch */
	pthread_t thread;
	int kick_fd;

	struct ha_disk *disk; /* NULL: not open */
	uint64_t open_ms;     /* not tried before */
	bool is_broken;       /* closed once nothing is open on it */
	bool has_head;        /* beats were read since it opened */
	struct ha_superblock sb;
	struct ha_layout layout;
	struct ha_slot_table table;

	/* buffers, 4096-aligned: fixed once made (lock) */
	uint8_t *first; /* superblock and its copy */
	uint8_t *head, *beat, *own_blocks, *peer_blocks;
	struct ha_listed_vm *own_vms, *peer_vms;
	struct ha_hold *own_holds, *peer_holds;
	uint32_t made_slots, made_vms; /* what they have room for */
	struct ha_beat beat_in, beat_out;

	/* writing */
	bool is_writing, is_beat_next;
	uint64_t next_beat_ms, not_before_ms;
	struct hb_own going; /* the write on its way */
	struct hb_own list; /* own lists as they lie here; generation 0: none */
	bool owes_vms, owes_holds; /* of `going`: still to be written */
	bool has_copy; /* a beat that lies here names copy last_copy */
	uint32_t last_copy;
	bool has_hold_copy; /* likewise */
	uint32_t last_hold_copy;

	/* reading */
	bool is_reading;
	uint64_t next_read_ms;
	uint32_t head_slots; /* of the read under way */
	uint32_t list_host, hold_host;
	struct hb_named named[HA_HOSTS_MAX];
	struct hb_named asked;

	/* lock */
	bool is_started, is_ended;
	bool has_thread;
	bool is_refused; /* configuration, not weather: start can't go on */
	bool was_open;   /* views[].sb tells which one must come back */
	bool want_beat, want_read;
	bool is_write_good, is_read_good;
	uint64_t write_since_ms, read_since_ms; /* 0: nothing on its way */
	int failed_code;                        /* last one said; 0: it works */
	struct hb_own written; /* newest beat that was flushed */
	struct hb_job job;
	uint64_t opens;
};

/* ---- event.c ------------------------------------------------------------ */

void hb_wake(int fd);
void hb_drain(int fd);
/* Lock held: says why a store does not work, once per kind of failure. */
void hb_store_failed(struct hb_store *st, int code, const char *text);
/* Lock held: a beat that took longer than D. */
void hb_store_slow(struct hb_store *st, uint64_t took_ms);
/* Lock held: after a write or read ended well. */
void hb_store_update(struct hb_store *st);
/* Lock held: an operation that hangs longer than D. */
void hb_store_check(struct hb_store *st, uint64_t now_ms);

/* ---- store.c ------------------------------------------------------------ */

int hb_store_new(struct hb *hb, uint32_t index, struct ha_err *err);
/* Makes what is missing; -ESTALE: they were made for another area. Lock
 * held. */
int hb_store_buffers(struct hb_store *st, const struct ha_superblock *sb,
		     const struct ha_layout *layout);
/* B, or a default while it isn't known. Thread of the store. */
uint64_t hb_store_beat_ms(const struct hb_store *st);
void hb_store_break(struct hb_store *st, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool hb_is_ending(struct hb *hb);
/* A thread with a small stack that is touched before it matters. */
int hb_thread_begin(pthread_t *ret_thread, void *(*body)(void *), void *data);
void hb_thread_touch(void);

/* ---- store_open.c ------------------------------------------------------- */

/* Thread of the store; leaves the reason in the view. */
int hb_store_open(struct hb_store *st);
/* What all areas of a cluster have in common; err names what differs. */
int hb_area_compare(const struct ha_superblock *a,
		    const struct ha_superblock *b, struct ha_err *err);
/* Decodes the superblock, or its copy. */
enum ha_block_verdict hb_superblock_decode(const uint8_t *blocks,
					   struct ha_superblock *ret_sb);

/* ---- beat.c ------------------------------------------------------------- */

/* Lock held: assembles the next beat of this store. */
void hb_beat_assemble(struct hb_store *st, struct ha_beat *ret_beat);
void hb_beat_written(struct hb_store *st, const struct ha_disk_end *end);
/* Lock held. */
void hb_stand_down_locked(struct hb *hb, bool is_down);
/* Lock held: the next beat begins a state; hb_is_marked() waits for it. */
void hb_mark(struct hb *hb);
/* Lock held: does that state, with the newest list, stand on w? */
bool hb_is_marked(const struct hb *hb, enum ha_beat_state state);

/* ---- seen.c ------------------------------------------------------------- */

void hb_seen_head(struct hb_store *st, const struct ha_disk_end *end);
/* Slots to read: up to the highest that has a name. Lock held. */
uint32_t hb_slots_used(const struct hb *hb);

/* ---- list.c ------------------------------------------------------------- */

/* Lock held: are the own lists on this store older than the daemon's? */
bool hb_list_is_behind(const struct hb_store *st);
/* Lock held: takes copies to be written; then, lock not held, encodes. */
void hb_list_take(struct hb_store *st);
size_t hb_list_encode(struct hb_store *st, uint64_t *ret_offset);
/* A host whose list should be read from this store; HA_SLOT_NONE. Lock held;
 * asks for it. */
uint32_t hb_list_choose(struct hb_store *st, uint64_t now_ms, size_t *ret_bytes,
			uint64_t *ret_offset);
void hb_list_arrived(struct hb_store *st, const struct ha_disk_end *end);
void hb_list_given_up(struct hb_store *st);
/* Lock held: host->beat is new: is its list the one that we have? */
void hb_list_named(struct hb_host *host, uint64_t submitted_ms);

/* ---- hold_list.c, as list.c --------------------------------------------- */

/* Lock held: for hb_list_is_behind() and hb_list_take(). */
bool hb_hold_is_behind(const struct hb_store *st);
void hb_hold_take(struct hb_store *st);
size_t hb_hold_encode(struct hb_store *st, uint64_t *ret_offset);
/* Lock held: which holds are to be read from here? HA_SLOT_NONE: none. */
uint32_t hb_hold_choose(struct hb_store *st, uint64_t now_ms, size_t *ret_bytes,
			uint64_t *ret_offset);
void hb_hold_arrived(struct hb_store *st);
void hb_hold_given_up(struct hb_store *st);
/* Lock held: the own holds were read back, or any list has changed: whom do
 * they call dead? */
void hb_hold_index(struct hb *hb);
/* Lock held: host->beat is new: are its holds those that we have? */
void hb_hold_named(struct hb *hb, struct hb_host *host);

/* ---- pet.c -------------------------------------------------------------- */

int hb_pet_begin(struct hb *hb, struct ha_err *err);
int hb_marker_read(const char *path, char *ret_boot_id, size_t size);
/* Was it left in the boot of that id? */
bool hb_marker_is_of(const char *path, const struct ha_uuid *boot_id);

/* ---- boot.c ------------------------------------------------------------- */

struct hb_patience;
/* hb_start() up to the incarnation that stands on w; nothing is armed. */
int hb_join(struct hb *hb, const struct ha_hbconf *conf,
	    const struct hb_patience *patience, struct ha_err *err);

/* ---- boot_agree.c ------------------------------------------------------- */

/* Sets sb, layout, table, self, and makes all room, or says what is wrong. */
int hb_agree(struct hb *hb, struct ha_err *err);

/* ---- boot_slot.c -------------------------------------------------------- */

/* What a start waits with: how to end it, whom to tell. */
struct hb_patience {
	bool (*is_ended)(void);
	void (*say)(int priority, const char *text);
};
/* Refuses or chooses: slot, incarnation, list, sequence (see boot.c). */
int hb_slot_claim(struct hb *hb, const struct hb_patience *patience,
		  struct ha_err *err);
int hb_boot_id_read(struct ha_uuid *ret_boot_id, struct ha_err *err);
/* -EINTR: asked to end. Sleeps one step. */
int hb_wait_step(const struct hb_patience *patience, struct ha_err *err);

/* ---- stop.c ------------------------------------------------------------- */

/* Ends the threads; those whose disk hangs are left behind. */
void hb_threads_end(struct hb *hb, uint64_t deadline_ms);

#endif
