/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a snapshot: status and holds, page by page, and the lists that have
 * changed. Runs in the worker's thread; each question has a deadline. A list
 * counts as read only when it is exactly the one that the status names: what
 * changed between the two questions is read the next time.
 */
#include <string.h>

#include "FaultDomain/fdm_timeouts.h"
#include "FaultDomain/snap.h"
#include "ha/clock.h"
#include "ha/ipc.h"

/* More pages than hosts or holds there can be. */
#define PAGES_MAX 256u

struct fdm_list *
fdm_list_ref(struct fdm_list *list)
{
	if (list) {
		g_atomic_ref_count_inc(&list->refs);
	}
	return list;
}

void
fdm_list_unref(struct fdm_list *list)
{
	if (list && g_atomic_ref_count_dec(&list->refs)) {
		g_array_unref(list->vms);
		g_free(list);
	}
}

static void
host_done(gpointer data)
{
	fdm_list_unref(((struct fdm_host *)data)->list);
}

void
fdm_snap_free(struct fdm_snap *snap)
{
	if (snap) {
		g_array_unref(snap->hosts);
		g_array_unref(snap->holds);
		g_free(snap);
	}
}

struct fdm_snap *
fdm_snap_copy(const struct fdm_snap *snap)
{
	struct fdm_snap *copy = g_new(struct fdm_snap, 1);

	*copy = *snap;
	copy->hosts = g_array_copy(snap->hosts);
	copy->holds = g_array_copy(snap->holds);
	g_array_set_clear_func(copy->hosts, host_done);
	for (guint i = 0; i < copy->hosts->len; i++) {
		(void)fdm_list_ref(
			g_array_index(copy->hosts, struct fdm_host, i).list);
	}
	return copy;
}

const struct fdm_host *
fdm_snap_host(const struct fdm_snap *snap, const char *name)
{
	for (guint i = 0; snap && i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		if (strcmp(host->name, name) == 0) {
			return host;
		}
	}
	return NULL;
}

const struct fdm_host *
fdm_snap_master(const struct fdm_snap *snap)
{
	const struct fdm_host *best = NULL;

	for (guint i = 0; snap && i < snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		if (host->is_master && host->is_member && host->is_fresh &&
		    (!best || host->term > best->term)) {
			best = host;
		}
	}
	return best;
}

static json_t *
ask(json_t *request, struct ha_err *err)
{
	json_t *answer = NULL;

	if (!request ||
	    ha_ipc_ask(HA_IPC_PATH, request, ha_clock_now_ms() + FDM_HB_ASK_MS,
		       &answer, err) < 0) {
		answer = NULL;
	}
	json_decref(request);
	return answer;
}

/* False: heartbeatd does not answer. */
static bool
take_status(struct fdm_snap *snap, struct ha_err *err)
{
	json_int_t from = 0;

	for (uint32_t page = 0; page < PAGES_MAX; page++) {
		json_t *answer = ask(
			json_pack("{s:s, s:I}", "op", "status", "from", from),
			err);
		const json_t *next = json_object_get(answer, "next_slot");
		bool has_next = json_is_integer(next) &&
				json_integer_value(next) > from;
		bool is_good = answer && fdm_snap_read_status(snap, answer);

		from = json_integer_value(next);
		json_decref(answer);
		if (!is_good && answer) {
			(void)ha_err_set(err, -EPROTO,
					 "vmha-heartbeatd's status is not "
					 "understood: do both daemons come "
					 "from one installation?");
		}
		if (!is_good || !has_next) {
			return is_good;
		}
	}
	return false;
}

static void
take_holds(struct fdm_snap *snap, struct ha_err *err)
{
	json_int_t from = 0;
	bool is_complete = true;

	for (uint32_t page = 0; page < PAGES_MAX; page++) {
		json_t *answer = ask(
			json_pack("{s:s, s:I}", "op", "holds", "from", from),
			err);
		const json_t *next = json_object_get(answer, "next");
		bool is_good = answer && fdm_snap_read_holds(snap, answer);
		json_int_t last = from;

		is_complete = is_complete && is_good &&
			      json_is_true(json_object_get(answer, "complete"));
		from = json_is_integer(next) ? json_integer_value(next) : 0;
		json_decref(answer);
		if (!is_good || from <= last) {
			snap->are_holds_read = is_complete;
			return;
		}
	}
}

/* The list that was read before is that of the status. Of its own heartbeatd
 * says what it has, which may be newer than its beat. */
static bool
is_unchanged(const struct fdm_snap *snap, const struct fdm_host *host,
	     const struct fdm_host *past)
{
	uint64_t generation =
		host->is_self ? snap->self_generation : host->generation;

	return past && past->list && past->is_readable &&
	       (!host->is_self || snap->has_self_generation) &&
	       past->list->incarnation == host->incarnation &&
	       past->list->generation == generation;
}

static void
take_list(const struct fdm_snap *snap, struct fdm_host *host,
	  const struct fdm_host *past)
{
	struct ha_err err = HA_ERR_INIT;
	bool is_current = false;
	json_t *answer;

	if (is_unchanged(snap, host, past)) {
		host->list = fdm_list_ref(past->list);
		host->generation = past->list->generation;
		host->is_readable = true;
		return;
	}
	answer = ask(json_pack("{s:s, s:s}", "op", "vms", "host", host->name),
		     &err);
	host->list = answer ? fdm_list_read(answer, &is_current) : NULL;
	json_decref(answer);
	if (!host->list) {
		host->list = past ? fdm_list_ref(past->list) : NULL;
		return;
	}
	if (host->is_self && host->list->incarnation == host->incarnation) {
		host->generation = host->list->generation;
		is_current = true;
	}
	host->is_readable = is_current &&
			    host->list->incarnation == host->incarnation &&
			    host->list->generation == host->generation;
}

struct fdm_snap *
fdm_snap_take(const struct fdm_snap *past)
{
	struct fdm_snap *snap = g_new0(struct fdm_snap, 1);
	struct ha_err err = HA_ERR_INIT;

	snap->number = past ? past->number + 1 : 1;
	snap->at_ms = ha_clock_now_ms();
	snap->hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	snap->holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	g_array_set_clear_func(snap->hosts, host_done);
	snap->is_there = take_status(snap, &err);
	if (snap->is_there) {
		take_holds(snap, &err);
		for (guint i = 0; i < snap->hosts->len; i++) {
			struct fdm_host *host =
				&g_array_index(snap->hosts, struct fdm_host, i);

			take_list(snap, host, fdm_snap_host(past, host->name));
		}
	}
	g_strlcpy(snap->why, err.text, sizeof(snap->why));
	return snap;
}
