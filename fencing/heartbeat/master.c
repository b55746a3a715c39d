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
#include <sys/random.h>

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

		if (host->term > hb->term) {
			hb->term = host->term;
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
	s->master.looks_ms = 0;
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
 * two sides only the higher outbids the other. A member that is master with it
 * is not outbid: it takes over, and this one's term ends. hb->lock held. */
static bool
wants_newer(const struct hbs *s, uint64_t now_ms)
{
	const struct hb *hb = s->hb;

	return hb->term > hb->master_term && hb->seal.why != HA_SEAL_CLAIM &&
	       find_better(s, now_ms) == HA_SLOT_NONE;
}

/* hb->lock held. */
static int
may_be_master(const struct hbs *s, uint64_t now_ms, struct ha_err *err)
{
	struct ha_fence_facts facts = { .action = HA_FENCE_OFF };
	const struct hb *hb = s->hb;

	hbs_gather_self(s, now_ms, &facts);
	if (hbs_seal_has_no_say(hb)) {
		return ha_err_set(err, -EPERM,
				  "another side of the cluster claims to be "
				  "quorate as well: this host can't be master "
				  "before it has won, or both are one again");
	}
	if (!facts.is_quorate || hb->phase != HB_ARMED) {
		return ha_err_set(err, -EPERM,
				  "this host is in no quorate membership, or "
				  "is stopping: it can't be master");
	}
	if (!facts.can_write || !facts.can_read) {
		return ha_err_set(err, -EIO,
				  "a master must write and read enough "
				  "heartbeat datastores; vmha heartbeat status "
				  "tells why this host can't");
	}
	return 0;
}

int
hbs_master_may_act(const struct hbs *s, uint64_t now_ms, struct ha_err *err)
{
	struct ha_rival rival;
	int rc = may_be_master(s, now_ms, err);

	if (rc < 0) {
		return rc;
	}
	hbs_seal_rival(s, now_ms, &rival);
	if (ha_rival_is_settled(&rival)) {
		return 0;
	}
	return ha_err_set(err, -EAGAIN,
			  "%s is no member, and was not read as sealed or gone "
			  "since this side claims the cluster: it may claim it "
			  "as well",
			  s->hb->table.names[rival.slot]);
}

int
hbs_master_begin(struct hbs *s, uint64_t lease_ms, uint64_t now_ms,
		 struct ha_err *err)
{
	struct hb *hb = s->hb;
	bool wants_look = false;
	int rc;

	pthread_mutex_lock(&hb->lock);
	rc = may_be_master(s, now_ms, err);
	if (rc == 0) {
		learn_terms(hb);
		learn_holds(hb);
		s->master.lease_ms = now_ms + lease_ms;
		wants_look = hb->master_term == 0 || wants_newer(s, now_ms);
		if (wants_look) {
			/* Of this very millisecond it may be older. */
			s->master.looks_ms = now_ms + 1;
		}
	}
	pthread_mutex_unlock(&hb->lock);
	if (wants_look) {
		hb_look(hb);
	}
	return rc;
}

/* hb->lock held. */
static bool
are_all_told(const struct hb *hb)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		if (slot != hb->self && hb->table.names[slot][0] != '\0' &&
		    !ha_watch_is_told(&hb->hosts[slot].watch)) {
			return false;
		}
	}
	return true;
}

/* hb->lock held. */
static void
take_term(struct hbs *s)
{
	struct hb *hb = s->hb;
	uint16_t dice = 0;

	learn_terms(hb);
	learn_holds(hb);
	/* Without random numbers the clock must do: never by none. */
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(dice)) {
		dice = (uint16_t)ha_clock_now_ms();
	}
	hb->term = ha_term_next(hb->term, are_all_told(hb), 1u + dice);
	hb->master_term = hb->term;
	hb->flags |= HA_BEAT_MASTER;
	s->master.sequence = hb->sequence + 1;
	s->master.claimed_ms = 0;
	s->master.is_claimed = false;
	s->master.looks_ms = 0;
	hb_kick_locked(hb);
}

/* Another host has claimed this very term, or a newer one: each term is of one
 * master only, whoever of them is seen by whom. hb->lock held. */
static bool
is_contested(const struct hb *hb)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct hb_host *host = &hb->hosts[slot];

		if (slot != hb->self && host->has_beat &&
		    (host->beat.term > hb->master_term ||
		     (host->beat.term == hb->master_term &&
		      (host->beat.flags & HA_BEAT_MASTER) != 0))) {
			return true;
		}
	}
	return false;
}

/* First the terms of others as they are now, not as they were read last; then
 * the claim; and when it is flushed, they are read again. True: reads are
 * wanted. hb->lock held. */
static bool
claim(struct hbs *s, uint64_t now_ms)
{
	struct hbs_master *master = &s->master;
	struct hb *hb = s->hb;

	if (master->looks_ms != 0) {
		if (hbs_is_read_since(hb, master->looks_ms) &&
		    may_be_master(s, now_ms, NULL) == 0) {
			take_term(s);
		}
		return false;
	}
	if (hb->master_term == 0 || master->is_claimed) {
		return false;
	}
	if (master->claimed_ms == 0) {
		if (!hb_is_flushed(hb, master->sequence)) {
			return false;
		}
		master->claimed_ms = now_ms + 1;
		return true;
	}
	if (!hbs_is_read_since(hb, master->claimed_ms)) {
		return false;
	}
	if (is_contested(hb) && find_better(s, now_ms) == HA_SLOT_NONE) {
		take_term(s);
	} else {
		master->is_claimed = find_better(s, now_ms) == HA_SLOT_NONE;
	}
	return false;
}

static void
look_at_claim(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	uint64_t before;
	uint64_t term;
	bool wants_look;

	pthread_mutex_lock(&hb->lock);
	before = hb->master_term;
	wants_look = claim(s, now_ms);
	term = hb->master_term;
	/* Chosen for whoever waits: it is not over because it is another. */
	if (term > before) {
		wait->term = term;
	}
	wait->is_confirmed = hbs_is_confirmed(s, wait->asked_ms);
	pthread_mutex_unlock(&hb->lock);
	if (wants_look) {
		hb_look(hb);
	}
	if (term > before) {
		hb_log(HB_LOG_MASTER, (unsigned long long)term);
	}
}

static json_t *
term_json(uint64_t term)
{
	json_t *answer = ha_ipc_ok();

	if (answer) {
		(void)json_object_set_new(answer, "term",
					  json_integer((json_int_t)term));
	}
	return answer;
}

bool
hbs_master_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	json_t *answer = NULL;
	uint64_t term;

	look_at_claim(s, wait, now_ms);
	term = s->hb->master_term; /* main's own to write */
	if (wait->ring_seq != s->ring.core.ring_seq) {
		answer = hbs_failed(-EAGAIN, "the membership has changed "
					     "meanwhile");
	} else if (s->master.looks_ms == 0 && term != wait->term) {
		answer = hbs_failed(-ESTALE,
				    "the term %llu is over already: another "
				    "host is master, or this one has lost "
				    "quorum",
				    (unsigned long long)wait->term);
	} else if (s->master.looks_ms == 0 && s->master.is_claimed &&
		   wait->is_confirmed) {
		answer = term_json(term);
	} else if (now_ms >= wait->deadline_ms && s->master.is_claimed) {
		answer = hbs_failed(-EAGAIN, "too few members have confirmed "
					     "that they are there");
	} else if (now_ms >= wait->deadline_ms) {
		answer = hbs_failed(-ETIMEDOUT,
				    "the new term could not be written to and "
				    "read back from enough heartbeat "
				    "datastores in time");
	} else {
		return false;
	}
	hbs_wait_answer(s, wait, answer);
	return true;
}

/* What this host's manager has told and is there to tell anew; without it what
 * the agent has read itself. A term that is told by nobody passes: the list
 * decides (SAFETY 12). */
static uint64_t
ticket_term(const struct hbs *s, const struct hbs_wait *wait, uint64_t now_ms,
	    bool *ret_is_fresh)
{
	uint64_t told = 0;

	for (uint32_t i = 0; i < s->tickets_count && told == 0; i++) {
		if (strcmp(s->tickets[i].resource, wait->resource) == 0) {
			told = s->tickets[i].term;
		}
	}
	*ret_is_fresh = now_ms < s->tickets_ms + HBS_TICKETS_FRESH_MS;
	return *ret_is_fresh || wait->ticket_term == 0 ? told :
							 wait->ticket_term;
}

int
hbs_ticket_ready(const struct hbs *s, const struct hbs_wait *wait,
		 uint64_t now_ms, struct ha_err *err)
{
	const struct hb *hb = s->hb;
	bool is_fresh = false;
	uint32_t master;
	uint64_t term;

	if (hbs_seal_will_open(s)) {
		return ha_err_set(err, -EAGAIN,
				  "this host is sealed: the master has not yet "
				  "settled its VM list, and without a master "
				  "that takes %u beats",
				  HA_SEAL_MASTERLESS_BEATS);
	}
	term = ticket_term(s, wait, now_ms, &is_fresh);
	if (ha_ticket_term_is_current(term, hb->term)) {
		return 0;
	}
	master = hbs_master_find(s, now_ms);
	if (master == HA_SLOT_NONE || term_of(hb, master) != hb->term) {
		return 0; /* nobody there who could confirm it */
	}
	/* Another host's daemon that asks for a migration has no CIB. */
	return ha_err_set(err, is_fresh || wait->is_wish ? -EAGAIN : -ESTALE,
			  "its ticket is of term %llu, the master %s of term "
			  "%llu has not confirmed it%s",
			  (unsigned long long)term, hb->table.names[master],
			  (unsigned long long)hb->term,
			  is_fresh ? "" :
				     "; the fault domain manager of this host "
				     "is not there to tell more");
}
