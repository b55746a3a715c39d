/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fault domain manager of this host tells the daemon: that it is
 * master, what the tickets say, that the host is isolated. All of it ends
 * with the manager: a lease has a deadline, tickets only ever delay a start,
 * and quorum ends the isolation.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/serve.h"

static json_t *
arg_bool(const json_t *request, const char *name, bool *ret_value)
{
	const json_t *value = json_object_get(request, name);

	if (!json_is_boolean(value)) {
		return hbs_failed(-EINVAL, "the request has no \"%s\"", name);
	}
	*ret_value = json_is_true(value);
	return NULL;
}

json_t *
hbs_op_master(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	const json_t *lease = json_object_get(request, "lease_ms");
	struct ha_err err = HA_ERR_INIT;
	struct hbs_wait *wait;
	bool is_on = false;
	json_t *failure = arg_bool(request, "on", &is_on);
	int rc;

	if (failure) {
		return failure;
	}
	if (!is_on) {
		hbs_master_end(s, "its fault domain manager has laid it down");
		return ha_ipc_ok();
	}
	if (!json_is_integer(lease) || json_integer_value(lease) <= 0 ||
	    json_integer_value(lease) > HBS_LEASE_MAX_MS) {
		return hbs_failed(-EINVAL, "lease_ms must be 1 to %u",
				  HBS_LEASE_MAX_MS);
	}
	failure = hbs_confirm_seq(s, request);
	if (failure) {
		return failure;
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_MASTER,
			    hbs_arg_deadline(request));
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	rc = hbs_master_begin(s, (uint64_t)json_integer_value(lease),
			      ha_clock_now_ms(), &err);
	if (rc < 0) {
		client->wait = NULL;
		wait->client = NULL;
		return hbs_failed(rc, "%s", err.text);
	}
	wait->term = s->hb->master_term;
	wait->asked_ms = ha_clock_now_ms();
	wait->ring_seq = s->ring.core.ring_seq;
	hbs_confirm_want(s, wait->asked_ms);
	hbs_ring_look(s);
	return NULL;
}

static bool
take_ticket(const json_t *object, struct hbs_ticket *ret_ticket)
{
	const json_t *term = json_object_get(object, "term");
	const char *resource =
		json_string_value(json_object_get(object, "resource"));

	if (!resource || !resource[0] || !json_is_integer(term) ||
	    json_integer_value(term) < 0) {
		return false;
	}
	ret_ticket->term = (uint64_t)json_integer_value(term);
	return ha_text_copy(ret_ticket->resource, sizeof(ret_ticket->resource),
			    resource) == 0;
}

/* All or nothing. */
json_t *
hbs_op_tickets(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	static struct hbs_ticket tickets[HA_VMS_MAX];
	const json_t *list = json_object_get(request, "tickets");
	size_t count = json_array_size(list);

	(void)client;
	if (!json_is_array(list) || count > HA_VMS_MAX) {
		return hbs_failed(-EINVAL,
				  "\"tickets\" must be a list of at most %u",
				  HA_VMS_MAX);
	}
	for (size_t i = 0; i < count; i++) {
		if (!take_ticket(json_array_get(list, i), &tickets[i])) {
			return hbs_failed(-EINVAL,
					  "ticket %zu has no resource, or no "
					  "term",
					  i);
		}
	}
	memcpy(s->tickets, tickets, count * sizeof(tickets[0]));
	s->tickets_count = (uint32_t)count;
	s->tickets_ms = ha_clock_now_ms();
	hbs_wait_check(s);
	return ha_ipc_ok();
}

json_t *
hbs_op_isolated(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	struct hb *hb = s->hb;
	bool is_on = false;
	bool is_refused;
	json_t *failure = arg_bool(request, "on", &is_on);

	(void)client;
	if (failure) {
		return failure;
	}
	is_refused = is_on && hbs_is_quorate(s, ha_clock_now_ms());
	if (is_refused) {
		return hbs_failed(-EPERM,
				  "this host is in a quorate membership, so it "
				  "is not isolated");
	}
	pthread_mutex_lock(&hb->lock);
	if (((hb->flags & HA_BEAT_ISOLATED) != 0) != is_on) {
		hb->flags ^= HA_BEAT_ISOLATED;
		hb_kick_locked(hb);
	}
	pthread_mutex_unlock(&hb->lock);
	return ha_ipc_ok();
}
