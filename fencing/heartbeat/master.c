/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is master, and of which term (SAFETY 19): the lease of this host's
 * fault domain manager, the newest term that any beat names, and the start
 * gate that holds a ticket's term against it.
 *
 * A term is claimed by a beat: on w, then all others' are read on r, so that
 * of two claims at a time one sees the other. It never goes on past its
 * deadline, without quorum, or beside a member with a newer term.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/ticket.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

/* hb->lock held. */
static bool
is_other_master(const struct hbs *s, uint32_t slot, uint64_t now_ms)
{
	const struct hb *hb = s->hb;

	return slot != hb->self && ha_hostset_has(&hb->members, slot) &&
	       hb->hosts[slot].has_beat &&
	       (hb->hosts[slot].beat.flags & HA_BEAT_MASTER) != 0 &&
	       hbs_is_beat_fresh(hb, slot, now_ms);
}

/* hb->lock held. */
static uint64_t
term_of(const struct hb *hb, uint32_t slot)
{
	return slot == hb->self ? hb->master_term : hb->hosts[slot].beat.term;
}

uint32_t
hbs_master_find(const struct hbs *s, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	uint32_t found = hb->master_term != 0 ? hb->self : HA_SLOT_NONE;

	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		if (is_other_master(s, slot, now_ms) &&
		    (found == HA_SLOT_NONE ||
		     term_of(hb, slot) > term_of(hb, found))) {
			found = slot;
		}
	}
	return found;
}

/* A member that is master with more right: of two claims of one term the
 * greater name's, as everywhere. hb->lock held. */
static uint32_t
find_better(const struct hbs *s, uint64_t now_ms)
{
	const struct hb *hb = s->hb;

	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		uint64_t term = hb->hosts[slot].beat.term;

		if (is_other_master(s, slot, now_ms) &&
		    (term > hb->master_term ||
		     (term == hb->master_term &&
		      strcmp(hb->table.names[slot], hb->table.names[hb->self]) >
			      0))) {
			return slot;
		}
	}
	return HA_SLOT_NONE;
}

/* hb->lock held. */
static void
learn_terms(struct hb *hb)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct hb_host *host = &hb->hosts[slot];

		if (host->has_beat && host->beat.term > hb->term) {
			hb->term = host->beat.term;
		}
	}
}

/* Holds outlive the master that placed them. hb->lock held. */
static void
learn_holds(struct hb *hb)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_hold_list *list =
			slot == hb->self ? &hb->hold_list :
					   &hb->hosts[slot].hold_list;

		for (uint32_t i = 0; i < list->count; i++) {
			if (list->holds[i].term > hb->term) {
				hb->term = list->holds[i].term;
			}
		}
	}
}

void
hbs_master_end(struct hbs *s, const char *why)
{
	struct hb *hb = s->hb;
	uint64_t term;

	pthread_mutex_lock(&hb->lock);
	term = hb->master_term;
	hb->master_term = 0;
	hb->flags &= ~HA_BEAT_MASTER;
	hb_kick_locked(hb);
	pthread_mutex_unlock(&hb->lock);
	s->master.is_claimed = false;
	if (term != 0) {
		hb_log(HB_LOG_MASTER_LOST, (unsigned long long)term, why);
	}
}

void
hbs_master_look(struct hbs *s)
{
	struct hb *hb = s->hb;
	uint64_t now_ms = ha_clock_now_ms();
	const char *why = NULL;

	pthread_mutex_lock(&hb->lock);
	learn_terms(hb);
	if (hb->master_term != 0) {
		if (!hbs_is_quorate(s, now_ms)) {
			why = "this host is in no quorate membership";
		} else if (hbs_seal_has_no_say(hb)) {
			why = "another side of the cluster claims to be "
			      "quorate as well, and this one must give way or "
			      "wait";
		} else if (now_ms >= s->master.lease_ms) {
			why = "its fault domain manager has not renewed its "
			      "lease";
		} else if (find_better(s, now_ms) != HA_SLOT_NONE) {
			why = "another member is master with a newer term";
		} else if (hb->phase != HB_ARMED) {
			why = "this daemon is stopping";
		}
	}
	pthread_mutex_unlock(&hb->lock);
	if (why) {
		hbs_master_end(s, why);
	}
}

/* A newer term was seen, whose master is none of our members: of the other side
 * of a cut, or one that has ended. Starts would wait for its word for ever. Of
 * two sides only the higher outbids the other. hb->lock held. */
static bool
wants_newer(const struct hb *hb)
{
	return hb->term > hb->master_term && hb->seal.why != HA_SEAL_CLAIM;
}

int
hbs_master_begin(struct hbs *s, uint64_t lease_ms, uint64_t now_ms,
		 struct ha_err *err)
{
	struct ha_fence_facts facts = { .action = HA_FENCE_OFF };
	struct hb *hb = s->hb;
	bool is_new = false;
	int rc = 0;

	pthread_mutex_lock(&hb->lock);
	hbs_gather_self(s, now_ms, &facts);
	if (hbs_seal_has_no_say(hb)) {
		rc = ha_err_set(err, -EPERM,
				"another side of the cluster claims to be "
				"quorate as well: this host can't be master "
				"before it has won, or both are one again");
	} else if (!facts.is_quorate || hb->phase != HB_ARMED) {
		rc = ha_err_set(err, -EPERM,
				"this host is in no quorate membership, or is "
				"stopping: it can't be master");
	} else if (!facts.can_write || !facts.can_read) {
		rc = ha_err_set(err, -EIO,
				"a master must write and read enough heartbeat "
				"datastores; vmha heartbeat status tells why "
				"this host can't");
	} else {
		learn_terms(hb);
		learn_holds(hb);
		s->master.lease_ms = now_ms + lease_ms;
		is_new = hb->master_term == 0 || wants_newer(hb);
		if (is_new) {
			hb->master_term = ++hb->term;
			hb->flags |= HA_BEAT_MASTER;
			s->master.sequence = hb->sequence + 1;
			s->master.is_claimed = false;
			hb_kick_locked(hb);
		}
	}
	pthread_mutex_unlock(&hb->lock);
	if (is_new) {
		hb_log(HB_LOG_MASTER, (unsigned long long)hb->master_term);
	}
	return rc;
}

/* Flushed, and then nobody else was read who says more: hbs_master_look()
 * has seen to that. */
static void
check_claim(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	bool wants_look = false;

	pthread_mutex_lock(&hb->lock);
	if (wait->since_ms == 0 && hb_is_flushed(hb, s->master.sequence)) {
		wait->since_ms = now_ms + 1;
		wants_look = true;
	} else if (wait->since_ms != 0 &&
		   hbs_is_read_since(hb, wait->since_ms)) {
		s->master.is_claimed = find_better(s, now_ms) == HA_SLOT_NONE;
	}
	pthread_mutex_unlock(&hb->lock);
	if (wants_look) {
		hb_look(hb);
	}
}

bool
hbs_master_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	uint64_t term = s->hb->master_term; /* main's own to write */

	if (term == wait->term && !s->master.is_claimed) {
		check_claim(s, wait, now_ms);
	}
	if (term != wait->term) {
		hbs_wait_answer(s, wait,
				hbs_failed(-EBUSY,
					   "the term %llu is over already: "
					   "another host is master, or this "
					   "one has lost quorum",
					   (unsigned long long)wait->term));
		return true;
	}
	if (s->master.is_claimed) {
		json_t *answer = ha_ipc_ok();

		if (answer) {
			(void)json_object_set_new(
				answer, "term", json_integer((json_int_t)term));
		}
		hbs_wait_answer(s, wait, answer);
		return true;
	}
	if (now_ms >= wait->deadline_ms) {
		hbs_wait_answer(
			s, wait,
			hbs_failed(-ETIMEDOUT,
				   "the new term could not be written to and "
				   "read back from enough heartbeat datastores "
				   "in time"));
		return true;
	}
	return false;
}

int
hbs_ticket_ready(const struct hbs *s, const char *resource, uint64_t now_ms,
		 struct ha_err *err)
{
	const struct hb *hb = s->hb;
	const struct hbs_ticket *ticket = NULL;
	uint32_t master;

	if (hbs_seal_will_open(s)) {
		return ha_err_set(err, -EAGAIN,
				  "this host is sealed: the master has not yet "
				  "settled its VM list, and without a master "
				  "that takes %u beats",
				  HA_SEAL_MASTERLESS_BEATS);
	}
	for (uint32_t i = 0; i < s->tickets_count && !ticket; i++) {
		if (strcmp(s->tickets[i].resource, resource) == 0) {
			ticket = &s->tickets[i];
		}
	}
	if (!ticket || ha_ticket_term_is_current(ticket->term, hb->term)) {
		return 0;
	}
	master = hbs_master_find(s, now_ms);
	if (master == HA_SLOT_NONE || term_of(hb, master) != hb->term) {
		return 0; /* nobody there who could confirm it */
	}
	return ha_err_set(err, -EAGAIN,
			  "its ticket is of term %llu, the master %s of term "
			  "%llu has not confirmed it",
			  (unsigned long long)ticket->term,
			  hb->table.names[master],
			  (unsigned long long)hb->term);
}
