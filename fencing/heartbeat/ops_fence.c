/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts for the fence agent (SAFETY section 4): what storage and ring prove
 * about the incarnation that was last a member, and whether this host is in a
 * position to tell. The verdict is the agent's, by ha_fencing_judge(); what
 * it has decided comes back and is logged.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/wire.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

#define MS_PER_S 1000.0

static void
append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	if (used + 1 < size) {
		(void)snprintf(text + used, size - used, "%s%s",
			       used ? ", " : "", more);
	}
}

/* "hb1 beat 412 is 3.2 s old, hb2 was not read". hb->lock held. */
static void
tell_stores(const struct hbs *s, uint32_t slot, uint64_t now_ms,
	    struct ha_fence_answer *answer)
{
	const struct hb *hb = s->hb;
	char part[96];

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		const struct ha_sighting *seen = &hb->hosts[slot].watch.at[i];

		if (!seen->is_seen) {
			(void)snprintf(part, sizeof(part),
				       "datastore %u was not read", i + 1);
		} else if (seen->what.kind != HA_GLIMPSE_BEAT) {
			(void)snprintf(part, sizeof(part),
				       "datastore %u has no beat of it", i + 1);
		} else {
			(void)snprintf(
				part, sizeof(part),
				"datastore %u: beat %llu is %.1f s old", i + 1,
				(unsigned long long)seen->what.sequence,
				now_ms > seen->first_ms ?
					(double)(now_ms - seen->first_ms) /
						MS_PER_S :
					0.0);
		}
		append(answer->evidence, sizeof(answer->evidence), part);
	}
}

static void
tell_rest(const struct hbs *s, uint32_t slot, uint64_t now_ms,
	  struct ha_fence_answer *answer)
{
	const struct ha_watch_verdict *v = &answer->facts.storage;
	const struct hb_host *host = &s->hb->hosts[slot];
	char part[96];

	(void)snprintf(part, sizeof(part), "storage says %s",
		       ha_proof_name(v->proof));
	append(answer->evidence, sizeof(answer->evidence), part);
	if (v->proof == HA_PROOF_ALIVE && v->due_ms > now_ms) {
		(void)snprintf(part, sizeof(part),
			       "silence would be proven in %.1f s",
			       (double)(v->due_ms - now_ms) / MS_PER_S);
		append(answer->evidence, sizeof(answer->evidence), part);
	}
	if (answer->facts.says_sealed) {
		(void)snprintf(part, sizeof(part),
			       "it says that it is sealed, its list of %u VMs "
			       "is %s",
			       host->beat.list_count,
			       answer->facts.is_list_read ? "read" :
							    "not read yet");
		append(answer->evidence, sizeof(answer->evidence), part);
	}
	if (answer->facts.is_unconfirmed) {
		(void)snprintf(
			part, sizeof(part),
			"the members here, or the claim of another side, "
			"are not confirmed yet");
		append(answer->evidence, sizeof(answer->evidence), part);
	}
	if (host->has_beat && (host->beat.flags & HA_BEAT_SOFTDOG)) {
		append(answer->evidence, sizeof(answer->evidence),
		       "its watchdog is softdog");
	}
	if (answer->facts.ring == HA_RING_SILENCE_LATER &&
	    answer->facts.ring_due_ms > now_ms) {
		(void)snprintf(part, sizeof(part),
			       "its ring lease ends in %.1f s",
			       (double)(answer->facts.ring_due_ms - now_ms) /
				       MS_PER_S);
		append(answer->evidence, sizeof(answer->evidence), part);
	}
}

void
hbs_gather_self(const struct hbs *s, uint64_t now_ms,
		struct ha_fence_facts *facts)
{
	const struct hb *hb = s->hb;
	uint64_t silence_ms = ha_timing_silence_ms(&hb->sb.timing);
	uint64_t since_ms = now_ms > silence_ms ? now_ms - silence_ms : 0;
	uint64_t read_ms[HA_STORES_MAX];
	uint64_t stamp_ms;

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		read_ms[i] = hb->views[i].read_ms;
	}
	facts->can_read = ha_watch_fresh(read_ms, hb->sb.stores, since_ms);
	facts->can_write = ha_evidence_stamp(&hb->evidence, &stamp_ms) &&
			   stamp_ms >= since_ms;
	facts->is_quorate = s->ring.core.has_membership &&
			    s->ring.core.is_quorate && !hbs_seal_has_no_say(hb);
	facts->is_standing_down = hb->is_standing_down;
	facts->is_braked = ha_brake_is_full(&s->brake, now_ms);
}

static uint64_t
start_ms(const struct hb *hb)
{
	return (uint64_t)2 * hb->sb.timing.beat_ms + hb->sb.timing.tolerance_ms;
}

/* One that calls itself quorate may be told to unseal by others that stand still
 * like it: only an order that it has obeyed since it was a member here binds it.
 * hb->lock held. */
static bool
is_sealed(const struct hbs *s, uint32_t slot, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct ha_beat *beat = &hb->hosts[slot].beat;

	return hbs_is_beat_fresh(hb, slot, now_ms) &&
	       (beat->flags & HA_BEAT_SEALED) != 0 &&
	       ((beat->flags & HA_BEAT_QUORATE) == 0 ||
		hbs_order_seals(s, slot, beat->incarnation,
				s->hosts[slot].last_member_ms));
}

/* Have the members said that they are there since this seal was first read, and
 * does no other side claim the cluster? Else this host may be the one that is
 * away. hb->lock held. */
static bool
is_seal_confirmed(struct hbs *s, uint32_t slot, uint64_t now_ms)
{
	const struct ha_beat *beat = &s->hb->hosts[slot].beat;
	struct hbs_host *host = &s->hosts[slot];
	struct ha_rival rival;

	if (host->sealed_incarnation != beat->incarnation ||
	    host->sealed_generation != beat->list_generation ||
	    host->sealed_ms <= host->last_member_ms) {
		host->sealed_incarnation = beat->incarnation;
		host->sealed_generation = beat->list_generation;
		host->sealed_ms = now_ms;
	}
	hbs_confirm_want(s, host->sealed_ms);
	hbs_seal_rival(s, now_ms, &rival);
	return hbs_is_confirmed(s, host->sealed_ms) &&
	       ha_rival_is_settled(&rival);
}

/* The host that is asked about. hb->lock held. */
static void
gather_host(struct hbs *s, uint32_t slot, uint64_t now_ms,
	    struct ha_fence_answer *answer)
{
	const struct hb *hb = s->hb;
	const struct hbs_host *host = &s->hosts[slot];
	struct ha_fence_facts *facts = &answer->facts;
	struct ha_hostset out;

	/* A member that never said which incarnation it is may be the newest
	 * one: then nothing was replaced. */
	if (answer->about == 0 &&
	    host->state_ring_seq == host->member_ring_seq) {
		answer->about = host->member_incarnation;
	}
	facts->storage = hb_judge(hb, slot, answer->about);
	if (answer->about == 0) {
		answer->about = facts->storage.incarnation;
	}
	if (hbs_host_is_unguarded(s, slot, &facts->storage)) {
		facts->storage.proof = HA_PROOF_UNGUARDED;
	}
	/* A host that was out of the way may have come back since; its start
	 * takes 2 B + D at least. */
	if ((facts->storage.proof == HA_PROOF_STOPPED ||
	     facts->storage.proof == HA_PROOF_NEVER ||
	     facts->storage.proof == HA_PROOF_CONFIRMED) &&
	    !hbs_is_read_since(hb, now_ms - start_ms(hb))) {
		facts->storage.proof = HA_PROOF_UNKNOWN;
	}
	hbs_out_of_the_way(s, &out);
	facts->ring =
		hbs_ring_silence(s, slot, &out, now_ms, &facts->ring_due_ms);
	facts->says_sealed = is_sealed(s, slot, now_ms);
	facts->is_unconfirmed =
		facts->says_sealed && !is_seal_confirmed(s, slot, now_ms);
	facts->is_list_read = hbs_is_list_read(hb, slot);
	facts->is_known = true;
	facts->is_self = slot == hb->self;
	facts->is_member = s->ring.core.has_membership &&
			   ha_ring_is_member(&s->ring.core, slot);
	facts->was_member = facts->is_member;
	facts->is_back = facts->is_member && host->back_ms != 0 &&
			 now_ms < host->back_ms + HA_FENCE_REJOINED_MS;
	facts->member_since_stop = host->stopped_ms != 0 &&
				   host->last_member_ms >= host->stopped_ms;
	answer->sequence =
		hb->hosts[slot].has_beat ? hb->hosts[slot].beat.sequence : 0;
	answer->list_generation = hb->hosts[slot].has_beat ?
					  hb->hosts[slot].beat.list_generation :
					  0;
}

json_t *
hbs_op_fence_facts(struct hbs *s, struct hbs_client *client,
		   const json_t *request)
{
	struct hb *hb = s->hb;
	struct ha_fence_answer answer;
	const json_t *about = json_object_get(request, "about");
	uint64_t now_ms = ha_clock_now_ms();
	const char *host = "";
	json_t *reply = hbs_arg_text(request, "host", &host);
	uint32_t slot;

	(void)client;
	if (reply) {
		return reply;
	}
	memset(&answer, 0, sizeof(answer));
	(void)snprintf(answer.host, sizeof(answer.host), "%s", host);
	answer.timing = hb->sb.timing;
	answer.facts.now_ms = now_ms;
	if (json_is_integer(about) && json_integer_value(about) > 0) {
		answer.about = (uint64_t)json_integer_value(about);
	}
	slot = ha_slot_find(&hb->table, host);
	pthread_mutex_lock(&hb->lock);
	hbs_gather_self(s, now_ms, &answer.facts);
	if (slot != HA_SLOT_NONE) {
		gather_host(s, slot, now_ms, &answer);
		tell_stores(s, slot, now_ms, &answer);
		tell_rest(s, slot, now_ms, &answer);
	}
	pthread_mutex_unlock(&hb->lock);
	if (answer.facts.is_unconfirmed) {
		hbs_ring_look(s);
	}
	reply = ha_ipc_ok();
	if (reply) {
		(void)json_object_update_new(reply,
					     ha_wire_fence_answer(&answer));
	}
	return reply;
}

static const char *
word(const json_t *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request, name));

	return text ? text : "";
}

static json_t *
tell_held(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	(void)s;
	(void)client;
	hb_log(HB_LOG_CUT_OFF, word(request, "host"),
	       word(request, "evidence"));
	return ha_ipc_ok();
}

json_t *
hbs_op_fenced(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	const char *host = word(request, "host");
	const char *why = word(request, "why");
	const char *evidence = word(request, "evidence");

	/* While corosync forms a ring this host may be in it already: then
	 * Pacemaker there hears of its fencing as a member, and ends. */
	if (strcmp(why, ha_fence_reason_name(HA_FENCE_WHY_HELD)) == 0) {
		return json_is_true(json_object_get(request, "last")) ?
			       tell_held(s, client, request) :
			       hbs_confirm_first(s, client, request, tell_held);
	}
	if (strcmp(why, ha_fence_reason_name(HA_FENCE_WHY_PLACED)) == 0) {
		hb_log(HB_LOG_PLACED, host, evidence);
	} else if (json_is_false(json_object_get(request, "success"))) {
		hb_log(HB_LOG_NOT_FENCED, host, why, evidence);
		if (strcmp(why, ha_fence_reason_name(HA_FENCE_WHY_BRAKED)) ==
		    0) {
			hb_log(HB_LOG_BRAKED, host, s->brake.limit,
			       s->brake.limit);
		}
	} else {
		hb_log(HB_LOG_FENCED, host, why, evidence);
	}
	return ha_ipc_ok();
}
