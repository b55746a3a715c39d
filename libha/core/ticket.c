/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the master makes of lists and holds for one VM (SAFETY 9, 17, 19, 21).
 * Asked anew after every change; what it says is written to the CIB and decides
 * nothing there: the lists are the lock. Must never grant a VM that a host out
 * of reach may run, nor keep one from a member that runs it, nor lift a hold
 * before its owner is gone, is back, or has let go. What can't be read binds.
 */
#include "ha/ticket.h"

static const struct {
	const char *name;
	const char *text;
} WHYS[HA_TICKET_N] = {
	[HA_TICKET_FREE] = { "free", "nothing binds it: it may be started" },
	[HA_TICKET_RUNS] = { "runs", "it runs on a member" },
	[HA_TICKET_RELEASED] = { "released",
				 "the host that had it is out of reach and has "
				 "proven that it ended there" },
	[HA_TICKET_OWNER_GONE] = { "owner-gone",
				   "the host that had it is proven dead" },
	[HA_TICKET_RETURNED] = { "returned",
				 "the host that had it is a member again" },
	[HA_TICKET_OWNED] = { "owned",
			      "it is on the VM list of a host that is out of "
			      "reach and not proven dead" },
	[HA_TICKET_HELD] = { "held",
			     "it is held for a host that is out of reach and "
			     "has not released it" },
	[HA_TICKET_UNREAD] = { "unread",
			       "it is held for a host that is out of reach and "
			       "whose VM list can't be read" },
};

const char *
ha_ticket_why_name(enum ha_ticket_why why)
{
	return (unsigned int)why < HA_TICKET_N ? WHYS[why].name : "invalid";
}

const char *
ha_ticket_why_text(enum ha_ticket_why why)
{
	return (unsigned int)why < HA_TICKET_N ? WHYS[why].text :
						 "invalid reason";
}

bool
ha_hold_is_lifted(const struct ha_ticket_hold *hold,
		  const struct ha_ticket_hold *holds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (holds[i].kind == HA_HOLD_LIFTED &&
		    holds[i].owner == hold->owner &&
		    holds[i].owner_incarnation == hold->owner_incarnation &&
		    holds[i].owner_generation >= hold->owner_generation) {
			return true;
		}
	}
	return false;
}

static bool
is_entry(const struct ha_ticket_host *host)
{
	return host->is_listed && host->state != HA_LISTED_RELEASED;
}

/* A wish may yet be refused, and a source has the VM until its process is
 * proven gone. */
static bool
is_run(const struct ha_ticket_host *host)
{
	return host->is_member && host->is_listed &&
	       (host->state == HA_LISTED_RUNNING ||
		host->state == HA_LISTED_OUTGOING);
}

static size_t
owner_of(const struct ha_ticket_hold *hold, const struct ha_ticket_host *hosts,
	 size_t count)
{
	size_t i = 0;

	while (i < count && hosts[i].slot != hold->owner) {
		i++;
	}
	return i;
}

/* An OWNER hold in force: what has become of its owner? The first three end
 * it. */
static enum ha_ticket_why
judge_owner(const struct ha_ticket_hold *hold,
	    const struct ha_ticket_host *host)
{
	/* The list of the incarnation that the hold is about, and not older
	 * than the hold: storage that lags shows others. */
	bool is_its_list = host->is_readable &&
			   host->incarnation == hold->owner_incarnation &&
			   host->generation >= hold->owner_generation;

	/* SAFETY 1.4: a later incarnation has taken its place. What is gone
	 * before it proves nothing about it. */
	if (hold->owner_incarnation < host->incarnation ||
	    (hold->owner_incarnation == host->incarnation && host->is_gone)) {
		return HA_TICKET_OWNER_GONE;
	}
	if (host->is_member) {
		return is_its_list ? HA_TICKET_RETURNED : HA_TICKET_UNREAD;
	}
	if (!is_its_list) {
		return HA_TICKET_UNREAD;
	}
	/* SAFETY 9: an unsealed host may list it again at any time. */
	return host->is_sealed && !is_entry(host) ? HA_TICKET_RELEASED :
						    HA_TICKET_HELD;
}

static bool
is_ended(enum ha_ticket_why why)
{
	return why == HA_TICKET_OWNER_GONE || why == HA_TICKET_RETURNED ||
	       why == HA_TICKET_RELEASED;
}

static void
bind_vm(struct ha_ticket_verdict *verdict, enum ha_ticket_why why, size_t host)
{
	if (verdict->is_granted) {
		verdict->is_granted = false;
		verdict->why = why;
		verdict->host = host;
	}
}

/* Why nothing binds it: the first that tells more than "free". */
static void
free_vm(struct ha_ticket_verdict *verdict, enum ha_ticket_why why, size_t host)
{
	if (verdict->is_granted && verdict->why == HA_TICKET_FREE) {
		verdict->why = why;
		verdict->host = host;
	}
}

static void
judge_hold(struct ha_ticket_verdict *verdict, const struct ha_ticket_hold *hold,
	   size_t index, const struct ha_ticket_host *hosts, size_t count)
{
	size_t owner = owner_of(hold, hosts, count);
	enum ha_ticket_why why;

	if (hold->kind == HA_HOLD_POLICY) {
		bind_vm(verdict, HA_TICKET_HELD, owner);
		return;
	}
	why = owner < count ? judge_owner(hold, &hosts[owner]) :
			      HA_TICKET_UNREAD;
	if (is_ended(why)) {
		if (!verdict->wants_lift) {
			verdict->wants_lift = true;
			verdict->lift = index;
		}
		free_vm(verdict, why, owner);
	} else if (owner < count && hosts[owner].is_member) {
		/* SAFETY 21: not kept from a member, and not lifted before
		 * its list is read. */
		free_vm(verdict, HA_TICKET_RETURNED, owner);
	} else {
		bind_vm(verdict, why, owner);
	}
}

static bool
is_in_force(const struct ha_ticket_hold *hold,
	    const struct ha_ticket_hold *holds, size_t count)
{
	return (hold->kind == HA_HOLD_OWNER || hold->kind == HA_HOLD_POLICY) &&
	       !ha_hold_is_lifted(hold, holds, count);
}

static bool
is_held_for(const struct ha_ticket_host *host,
	    const struct ha_ticket_hold *holds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (holds[i].kind == HA_HOLD_OWNER &&
		    holds[i].owner == host->slot &&
		    holds[i].owner_incarnation == host->incarnation &&
		    !ha_hold_is_lifted(&holds[i], holds, count)) {
			return true;
		}
	}
	return false;
}

/* An entry of a host out of reach that no hold names yet. */
static void
judge_entries(struct ha_ticket_verdict *verdict,
	      const struct ha_ticket_host *hosts, size_t host_count,
	      const struct ha_ticket_hold *holds, size_t hold_count)
{
	for (size_t i = 0; i < host_count; i++) {
		const struct ha_ticket_host *host = &hosts[i];

		if (host->is_member || host->is_gone || !is_entry(host)) {
			continue;
		}
		if (is_held_for(host, holds, hold_count)) {
			bind_vm(verdict, HA_TICKET_HELD, i);
		} else {
			verdict->wants_hold = true;
			verdict->is_granted = false;
			verdict->why = HA_TICKET_OWNED;
			verdict->host = i;
			return;
		}
	}
}

static void
judge_ended_entries(struct ha_ticket_verdict *verdict,
		    const struct ha_ticket_host *hosts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (hosts[i].is_member || !hosts[i].is_listed) {
			continue;
		}
		free_vm(verdict,
			hosts[i].is_gone ? HA_TICKET_OWNER_GONE :
					   HA_TICKET_RELEASED,
			i);
	}
}

struct ha_ticket_verdict
ha_ticket_judge(const struct ha_ticket_host *hosts, size_t host_count,
		const struct ha_ticket_hold *holds, size_t hold_count)
{
	struct ha_ticket_verdict verdict = {
		.is_granted = true,
		.why = HA_TICKET_FREE,
		.host = host_count,
		.lift = hold_count,
	};

	judge_entries(&verdict, hosts, host_count, holds, hold_count);
	for (size_t i = 0; i < hold_count; i++) {
		if (is_in_force(&holds[i], holds, hold_count)) {
			judge_hold(&verdict, &holds[i], i, hosts, host_count);
		}
	}
	judge_ended_entries(&verdict, hosts, host_count);
	for (size_t i = 0; i < host_count; i++) {
		if (is_run(&hosts[i])) {
			verdict.is_granted = true;
			verdict.why = HA_TICKET_RUNS;
			verdict.host = i;
			verdict.wants_hold = false;
			break;
		}
	}
	return verdict;
}

bool
ha_ticket_is_foreseen(const struct ha_ticket_verdict *verdict, bool is_quorate,
		      bool has_order)
{
	return is_quorate && has_order && !verdict->is_granted &&
	       verdict->why == HA_TICKET_OWNED;
}

bool
ha_settle_judge(const struct ha_settle_facts *facts)
{
	return facts->is_member && facts->is_sealed && facts->is_readable &&
	       facts->are_holds_read && facts->unsettled_vms == 0 &&
	       facts->effective_holds == 0;
}

bool
ha_ticket_term_is_current(uint64_t ticket_term, uint64_t newest_term)
{
	/* A ticket newer than what this host has read is of a master that it
	 * has not heard of yet. */
	return ticket_term == 0 || ticket_term >= newest_term;
}
