/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that main wants read from an area, or written there, by the thread of
 * that datastore: the protected list. One job a datastore at a time, in pieces
 * between which beats go on. The buffer is main's, and the thread's from begin
 * to end: nothing is copied, and no beat waits for main.
 */
#ifndef VMHA_HEARTBEAT_JOB_H
#define VMHA_HEARTBEAT_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One piece: a beat waits for no more. */
#define HB_JOB_PIECE_BYTES (64u * 4096u)

enum hb_job_state {
	HB_JOB_NONE,
	HB_JOB_OPEN, /* the thread's */
	HB_JOB_ENDED,
};

struct hb_job {
	enum hb_job_state state;
	bool is_write;
	bool is_going; /* a piece of it is under way */
	uint64_t term; /* writes: as long as this host is master of it */
	uint8_t *buffer;
	size_t bytes, done, piece;
	uint64_t offset;
	int code;
};

struct hb;
struct hb_store;
struct ha_disk_end;

/* ---- main; hb->lock held -------------------------------------------------- */

/* false: the datastore is not open, or has one already. */
bool hb_job_begin(struct hb *hb, uint32_t store, const struct hb_job *job);
/* true: it has ended, with ret_code; the buffer is main's again. */
bool hb_job_end(struct hb *hb, uint32_t store, int *ret_code);
/* Changes whenever the datastore was opened anew: what lay there may be other
 * bytes by now. */
uint64_t hb_store_opens(const struct hb *hb, uint32_t store);

/* ---- thread of the store --------------------------------------------------- */

/* The next piece; NULL: none. */
uint8_t *hb_job_next(struct hb_store *st, bool is_write, size_t *ret_bytes,
		     uint64_t *ret_offset);
void hb_job_moved(struct hb_store *st, const struct ha_disk_end *end);
/* The datastore is closed: what was open has failed. */
void hb_job_drop(struct hb_store *st);

#endif
