/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fence_vmha asks: may the VMs of a host that lives on, cut off, be held,
 * and hold them (SAFETY 16, 17). On any host of a quorate membership that has
 * a master. Holds stand on disk before a ticket is revoked, and the answer
 * says yes only when both are confirmed: a step that fails, or a deadline, is
 * a refusal.
 *
 * What is held is the sealed list, at the very generation that was asked for.
 * A VM that Pacemaker's history has there and that list has not does not run
 * there (SAFETY 9): a hold for it would be lifted at once, and would make
 * fence_vmha place it again for ever. Until that list is read nothing is held
 * and nothing succeeds, and so it is while a migration from or to that host is
 * open of which that list does not tell: it may end on either side.
 */
#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

enum step {
	WAIT_LIST,  /* until a snapshot has that list */
	WAIT_DISK,  /* heartbeatd flushes the holds */
	WAIT_PROOF, /* until a snapshot shows them */
	WAIT_CIB,   /* the tickets are being written */
	OVER,
};

struct fdm_request {
	struct fdm *fdm;
	uint32_t client;
	bool has_client; /* false: it has gone */
	enum step step;
	char host[HA_HOST_NAME];
	uint64_t incarnation, generation;
	uint64_t deadline_ms;
	uint64_t min_snap;
	uint64_t placed, standing;
	uint32_t revoked;
};

struct ha_gated_verdict
fdm_gated(const struct fdm_facts *facts, const char *host,
	  const char **ret_resource)
{
	const struct fdm_node *node = fdm_facts_node(facts, host);
	struct ha_gated_verdict verdict = { .is_allowed = true };
	const struct ha_gated_resource *list = NULL;

	if (node && node->active->len > 0) {
		list = &g_array_index(node->active, struct ha_gated_resource,
				      0);
		verdict = ha_gated_judge(list, node->active->len);
	}
	if (!verdict.is_allowed) {
		*ret_resource = list[verdict.resource].id;
	}
	return verdict;
}

/* The answer to give when it may not; NULL: it may. */
static json_t *
refuse(struct fdm *fdm, const char *host)
{
	uint64_t now_ms = ha_clock_now_ms();
	struct ha_gated_verdict verdict;
	const char *resource = "";

	if (!fdm_has_snap(fdm, now_ms)) {
		return fdm_failed(-ENOTCONN,
				  "heartbeatd of this host does not answer: %s",
				  fdm->snap ? fdm->snap->why : "");
	}
	if (!fdm_has_facts(fdm)) {
		return fdm_failed(-ENOTCONN, "no CIB: %s", fdm->cib_why);
	}
	if (!fdm->snap->is_quorate || !fdm->facts->have_quorum) {
		return fdm_failed(-ENOTCONN, "this host has no quorum");
	}
	if (!fdm_snap_master(fdm->snap)) {
		return fdm_failed(-ENOTCONN,
				  "no host of this cluster is master: nobody "
				  "could grant what is held");
	}
	if (!fdm_facts_node(fdm->facts, host)) {
		return fdm_failed(-ENOENT,
				  "Pacemaker knows no node %s: nothing tells "
				  "what it has there",
				  host);
	}
	verdict = fdm_gated(fdm->facts, host, &resource);
	if (!verdict.is_allowed) {
		return fdm_failed(-EPERM, "%s on %s %s", resource, host,
				  ha_gated_why_text(verdict.why));
	}
	return NULL;
}

static json_t *
arg_host(const json_t *request, const char **ret_host)
{
	*ret_host = json_string_value(json_object_get(request, "host"));
	return *ret_host && (*ret_host)[0] ?
		       NULL :
		       fdm_failed(-EINVAL, "the request names no host");
}

json_t *
fdm_op_may_hold(struct fdm *fdm, uint32_t client, const json_t *request)
{
	const char *host = "";
	json_t *failure = arg_host(request, &host);

	(void)client;
	failure = failure ? failure : refuse(fdm, host);
	return failure ? failure : ha_ipc_ok();
}

json_t *
fdm_hold_request(const char *op, const char *host, uint64_t incarnation,
		 uint64_t generation, uint64_t term)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:[]}", "op", op, "host",
			 host, "incarnation", (json_int_t)incarnation,
			 "generation", (json_int_t)generation, "term",
			 (json_int_t)term, "vms");
}

void
fdm_hold_add(json_t *request, const struct ha_uuid *uuid, const char *resource)
{
	json_t *vm = json_pack("{s:s}", "resource", resource);
	char text[37];

	if (uuid) {
		ha_uuid_format(uuid, text);
		(void)json_object_set_new(vm, "uuid", json_string(text));
	}
	(void)json_array_append_new(json_object_get(request, "vms"), vm);
}

/* Ends it; takes the answer over. */
static void
finish(struct fdm_request *request, json_t *answer)
{
	const json_t *ok = json_object_get(answer, "ok");

	request->step = OVER;
	if (!json_is_true(ok)) {
		const char *why =
			json_string_value(json_object_get(answer, "error"));

		fdm_log(FDM_LOG_FENCE_REFUSED, request->host, why ? why : "");
	}
	if (request->has_client) {
		request->has_client = false;
		fdm_server_answer(request->fdm, request->client, answer);
	} else {
		json_decref(answer);
	}
}

static void
succeed(struct fdm_request *request)
{
	uint64_t all = request->placed + request->standing;
	json_t *answer = ha_ipc_ok();

	/* A ticket that was still granted was something missing, too. */
	if (request->placed == 0 && request->revoked > 0) {
		request->placed = request->revoked;
		request->standing =
			all > request->placed ? all - request->placed : 0;
	}
	(void)json_object_set_new(answer, "placed",
				  json_integer((json_int_t)request->placed));
	(void)json_object_set_new(answer, "standing",
				  json_integer((json_int_t)request->standing));
	fdm_log(FDM_LOG_FENCED_HELD, request->host, (unsigned)request->placed,
		(unsigned)all);
	finish(request, answer);
}

static void
on_placed(void *data, int code, const json_t *answer, const char *why)
{
	struct fdm_request *request = data;

	if (request->step != WAIT_DISK) {
		return;
	}
	if (code < 0) {
		finish(request, fdm_failed(code, "%s", why));
		return;
	}
	request->placed =
		(uint64_t)json_integer_value(json_object_get(answer, "placed"));
	request->standing = (uint64_t)json_integer_value(
		json_object_get(answer, "standing"));
	request->min_snap = request->fdm->snap->number + 1;
	request->step = WAIT_PROOF;
}

/* The list that was asked for is here: its unreleased VMs go to disk. */
static void
place(struct fdm_request *request, const struct fdm_host *host)
{
	struct fdm *fdm = request->fdm;
	const struct fdm_host *master = fdm_snap_master(fdm->snap);
	json_t *ask;
	json_t *failure = refuse(fdm, request->host);
	const struct fdm_migration *open =
		failure ? NULL : fdm_open_migration(fdm->facts, host);

	if (open) {
		failure = fdm_failed(
			-EAGAIN, "a migration of %s to %s is not settled",
			open->resource,
			open->target[0] ? open->target : "another host");
	}
	if (failure || !master) {
		finish(request,
		       failure ? failure : fdm_failed(-ENOTCONN, "no master"));
		return;
	}
	ask = fdm_hold_request("hold", request->host, request->incarnation,
			       request->generation, master->term);
	for (guint i = 0; i < host->list->vms->len; i++) {
		const struct ha_listed_vm *vm =
			&g_array_index(host->list->vms, struct ha_listed_vm, i);

		if (vm->state != HA_LISTED_RELEASED) {
			fdm_hold_add(ask, &vm->uuid, vm->resource);
		}
	}
	request->step = WAIT_DISK;
	if (json_array_size(json_object_get(ask, "vms")) == 0) {
		json_decref(ask);
		request->min_snap = 0;
		request->step = WAIT_PROOF;
		return;
	}
	fdm_worker_ask(fdm->worker, ask, FDM_HB_FLUSH_MS, on_placed, request);
}

static void
on_written(void *data, int code, const char *why)
{
	struct fdm_request *request = data;

	if (request->step != WAIT_CIB) {
		return;
	}
	if (code < 0) {
		finish(request, fdm_failed(code,
					   "the tickets of %s's VMs can't be "
					   "revoked: %s",
					   request->host, why));
	} else {
		succeed(request);
	}
}

/* Rows that this host binds, and whose ticket does not say so yet. */
static void
revoke_all(struct fdm_request *request)
{
	struct fdm *fdm = request->fdm;
	const struct fdm_host *master = fdm_snap_master(fdm->snap);
	GString *xml = fdm_tickets_begin();

	for (guint i = 0; fdm->rows && i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);

		if (row->owner &&
		    strcmp(row->owner->name, request->host) == 0 &&
		    !row->verdict.is_granted &&
		    (row->vm->ticket.is_granted || !row->vm->ticket.is_there ||
		     strcmp(row->vm->ticket.state, FDM_STATE_WAITING) == 0)) {
			fdm_tickets_add(xml, row,
					master ? master->term :
						 row->vm->ticket.term);
			request->revoked++;
		}
	}
	fdm_tickets_end(xml);
	request->step = WAIT_CIB;
	if (!fdm->rows || !fdm->facts->have_quorum) {
		finish(request, fdm_failed(-ENOTCONN, "no quorum any more"));
	} else if (request->revoked > 0) {
		ha_cib_update(fdm->cib, xml->str, on_written, request);
	} else {
		succeed(request);
	}
	(void)g_string_free(xml, TRUE);
}

static void
look(struct fdm_request *request, uint64_t now_ms)
{
	struct fdm *fdm = request->fdm;
	const struct fdm_host *host = fdm_snap_host(fdm->snap, request->host);

	if (now_ms >= request->deadline_ms) {
		finish(request,
		       fdm_failed(-ETIMEDOUT,
				  "the VMs of %s could not be held in time "
				  "(step %d)",
				  request->host, (int)request->step));
		return;
	}
	if (!host || !fdm_has_snap(fdm, now_ms)) {
		return;
	}
	if (host->is_member) {
		finish(request, fdm_failed(-EBUSY, "%s is a member again",
					   request->host));
	} else if (request->step == WAIT_LIST &&
		   (host->incarnation > request->incarnation ||
		    host->generation > request->generation)) {
		finish(request, fdm_failed(-ESTALE,
					   "%s has another VM list by "
					   "now; ask again",
					   request->host));
	} else if (request->step == WAIT_LIST && host->is_readable &&
		   host->is_sealed &&
		   host->incarnation == request->incarnation &&
		   host->generation == request->generation) {
		place(request, host);
	} else if (request->step == WAIT_PROOF &&
		   fdm->snap->number >= request->min_snap &&
		   fdm->snap->are_holds_read) {
		revoke_all(request);
	}
}

/* A callback that is still to come holds the request: it is freed once none
 * can. */
static bool
is_free(const struct fdm_request *request, uint64_t now_ms)
{
	return request->step == OVER &&
	       now_ms >= request->deadline_ms + FDM_IDLE_MS;
}

void
fdm_hold_tick(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = fdm->requests->len; i > 0; i--) {
		struct fdm_request *request =
			g_ptr_array_index(fdm->requests, i - 1);

		if (request->step != OVER) {
			look(request, now_ms);
		} else if (is_free(request, now_ms)) {
			(void)g_ptr_array_remove_index_fast(fdm->requests,
							    i - 1);
			g_free(request);
		}
	}
}

void
fdm_hold_cancel(struct fdm *fdm, uint32_t client)
{
	for (guint i = 0; i < fdm->requests->len; i++) {
		struct fdm_request *request =
			g_ptr_array_index(fdm->requests, i);

		if (request->has_client && request->client == client) {
			request->has_client = false;
		}
	}
}

json_t *
fdm_op_hold(struct fdm *fdm, uint32_t client, const json_t *json)
{
	const json_t *budget = json_object_get(json, "budget_ms");
	const json_t *incarnation = json_object_get(json, "incarnation");
	const json_t *generation = json_object_get(json, "generation");
	uint64_t now_ms = ha_clock_now_ms();
	struct fdm_request *request;
	const char *host = "";
	json_t *failure = arg_host(json, &host);

	if (!failure &&
	    (!json_is_integer(incarnation) || !json_is_integer(generation))) {
		failure = fdm_failed(-EINVAL, "the request names no "
					      "incarnation and generation");
	}
	failure = failure ? failure : refuse(fdm, host);
	if (failure) {
		return failure;
	}
	request = g_new0(struct fdm_request, 1);
	request->fdm = fdm;
	request->client = client;
	request->has_client = true;
	g_strlcpy(request->host, host, sizeof(request->host));
	request->incarnation = (uint64_t)json_integer_value(incarnation);
	request->generation = (uint64_t)json_integer_value(generation);
	request->deadline_ms = now_ms + FDM_HOLD_MS;
	if (json_is_integer(budget) && json_integer_value(budget) > 0 &&
	    (uint64_t)json_integer_value(budget) < FDM_HOLD_MS) {
		request->deadline_ms =
			now_ms + (uint64_t)json_integer_value(budget);
	}
	g_ptr_array_add(fdm->requests, request);
	look(request, now_ms);
	return NULL;
}
