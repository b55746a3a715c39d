/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The response for each VM of this host's list: facts of this tick to
 * ha_response_judge(), its verdict to a stop action, and a line in the log for
 * each step. What was begun is finished; at most RESPOND_RUNS_MAX at a time. A
 * VM that no primitive describes is left alone: nobody would start it again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/respond.h"
#include "FaultDomain/timeouts.h"
#include "ha/vmparams.h"

#define DISABLED "disabled" /* restart_priority */

const char *
respond_pair(void *pairs, const char *name)
{
	const struct respond_pairs *p = pairs;

	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->params[i].name, name) == 0) {
			return p->params[i].value;
		}
	}
	return NULL;
}

/* What of a VM's parameters bears on its response. */
struct wish {
	enum ha_response isolation, partition;
	bool is_disabled;
	uint64_t shutdown_ms; /* its own patience; 0: none */
};

/* A parameter that can't be read counts as not given. */
static void
read_wish(struct responder *r, struct respond_vm *own,
	  const struct responder_vm *vm, struct wish *ret)
{
	static const char *const NAMES[] = { "isolation_response",
					     "partition_response",
					     "restart_priority",
					     "shutdown_timeout" };
	struct respond_pairs pairs = { vm->params, vm->n_params };
	struct ha_vm_params values = { 0 };
	const char *priority = respond_pair(&pairs, "restart_priority");

	for (const struct ha_param *p = HA_VM_PARAMS; p->name; p++) {
		struct ha_err err = HA_ERR_INIT;

		for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
			if (strcmp(p->name, NAMES[i]) != 0 ||
			    ha_param_set(p, respond_pair(&pairs, p->name),
					 &values, &err) == 0) {
				continue;
			}
			(void)ha_param_set(p, NULL, &values, NULL);
			if (!own->is_bad_said) {
				ha_err_prefix(&err, -EINVAL,
					      "%s: ", vm->resource);
				r->log(RESPONDER_LOG_POLICY, err.text);
			}
			own->is_bad_said = true;
		}
	}
	ret->isolation = (enum ha_response)values.isolation_response;
	ret->partition = (enum ha_response)values.partition_response;
	ret->is_disabled = priority && strcmp(priority, DISABLED) == 0;
	ret->shutdown_ms = values.shutdown_timeout_ms;
}

static struct ha_response_verdict
judge(struct responder *r, const struct responder_facts *facts,
      struct respond_vm *own, const struct responder_vm *vm,
      uint64_t *ret_patience_ms)
{
	struct ha_isolation_policy policy = r->policy;
	struct wish wish;
	struct ha_response_facts f = {
		.isolation = &r->isolation,
		.isolation_response = (enum ha_response)(
			r->params.isolation_response + (int)HA_RESPONSE_NONE),
		.partition_response = (enum ha_response)(
			r->params.partition_response + (int)HA_RESPONSE_NONE),
		.is_running = vm->state != HA_LISTED_RELEASED,
		.can_read = facts->can_read,
		.is_owner_alive = facts->is_owner_alive,
		.shutdown_ms = own->shutdown_ms,
		.now_ms = r->now_ms,
	};

	read_wish(r, own, vm, &wish);
	f.vm_isolation = wish.isolation;
	f.vm_partition = wish.partition;
	f.is_restart_disabled = wish.is_disabled;
	if (wish.shutdown_ms && wish.shutdown_ms < policy.shutdown_ms) {
		policy.shutdown_ms = (uint32_t)wish.shutdown_ms;
	}
	/* One that has failed is over, as one that took too long. */
	if (own->has_shutdown_failed && own->shutdown_ms) {
		policy.shutdown_ms = 0;
	}
	*ret_patience_ms = policy.shutdown_ms;
	if (!vm->is_configured) {
		f.vm_isolation = HA_RESPONSE_NONE;
		f.vm_partition = HA_RESPONSE_NONE;
	}
	return ha_response_judge(&f, &policy);
}

static unsigned long long
since_loss_s(const struct responder *r)
{
	uint64_t lost_ms = r->isolation.lost_ms;

	return lost_ms && lost_ms < r->now_ms ?
		       (r->now_ms - lost_ms) / MS_PER_S :
		       0;
}

static const char *
mode_text(enum respond_mode mode)
{
	return mode == RESPOND_SHUTDOWN ? "shutdown" : "power-off";
}

static void
fail(struct responder *r, struct respond_vm *own, uint64_t begun_ms,
     const struct ha_err *err)
{
	own->has_shutdown_failed = own->shutdown_ms != 0;
	(void)ha_text_copy(own->error, sizeof(own->error), err->text);
	own->again_ms = r->now_ms + RESPOND_RETRY_MS;
	r->log(RESPONDER_LOG_RESPONSE_FAILED, own->resource,
	       mode_text(own->mode),
	       (unsigned long long)(r->now_ms - begun_ms) / MS_PER_S, err->text,
	       (unsigned long long)RESPOND_RETRY_MS / MS_PER_S);
}

static void
begin(struct responder *r, const struct responder_facts *facts,
      struct respond_vm *own, const struct responder_vm *vm,
      enum respond_mode mode, uint64_t patience_ms)
{
	struct ha_err err = HA_ERR_INIT;
	int rc;

	if (r->n_runs >= RESPOND_RUNS_MAX || r->now_ms < own->again_ms) {
		return;
	}
	own->mode = mode;
	own->tries++;
	if (mode == RESPOND_SHUTDOWN) {
		own->shutdown_ms = r->now_ms;
	}
	r->log(RESPONDER_LOG_RESPONSE, vm->resource, mode_text(mode),
	       ha_response_why_text(own->verdict.why), since_loss_s(r));
	rc = respond_run_begin(&own->run, r->program, vm, facts->node, mode,
			       patience_ms, &err);
	if (rc < 0) {
		fail(r, own, r->now_ms, &err);
		return;
	}
	r->n_runs++;
}

/* A stop that ended well, but whose VM is still listed, is looked at again no
 * sooner than the list can have been read anew. */
static void
collect(struct responder *r, struct respond_vm *own)
{
	uint64_t begun_ms = own->run.begun_ms;
	struct ha_err err = HA_ERR_INIT;
	int rc = respond_run_poll(&own->run, r->now_ms, &err);

	if (rc == 1) {
		return;
	}
	r->n_runs--;
	if (rc < 0) {
		fail(r, own, begun_ms, &err);
		return;
	}
	own->error[0] = '\0';
	own->again_ms = r->now_ms + RESPOND_RETRY_MS;
	r->log(RESPONDER_LOG_RELEASED, own->resource, mode_text(own->mode),
	       (unsigned long long)(r->now_ms - begun_ms) / MS_PER_S);
}

static void
answer(struct responder *r, const struct responder_facts *facts,
       struct respond_vm *own, const struct responder_vm *vm, bool may_begin)
{
	uint64_t patience_ms = 0;

	own->verdict = judge(r, facts, own, vm, &patience_ms);
	if (own->run.pid != 0) {
		return;
	}
	switch (own->verdict.step) {
	case HA_RESPONSE_STEP_LEAVE:
	case HA_RESPONSE_STEP_WAIT:
		break;
	case HA_RESPONSE_STEP_DEFER:
		if (!own->is_deferral_said) {
			own->is_deferral_said = true;
			r->log(RESPONDER_LOG_DEFERRED, vm->resource,
			       ha_response_why_text(own->verdict.why),
			       since_loss_s(r));
		}
		break;
	case HA_RESPONSE_STEP_SHUTDOWN:
		if (may_begin) {
			begin(r, facts, own, vm, RESPOND_SHUTDOWN, patience_ms);
		}
		break;
	case HA_RESPONSE_STEP_POWEROFF:
		if (may_begin) {
			begin(r, facts, own, vm, RESPOND_POWEROFF, 0);
		}
		break;
	}
}

/* Room for one more: the end of the table, or one that has long left the
 * list. */
static struct respond_vm *
make_room(struct responder *r)
{
	if (r->n_vms < HA_VMS_MAX) {
		return &r->vms[r->n_vms++];
	}
	for (size_t i = 0; i < r->n_vms; i++) {
		if (!r->vms[i].is_listed && r->vms[i].run.pid == 0) {
			return &r->vms[i];
		}
	}
	return NULL;
}

/* The list keeps its order from tick to tick: `hint` is nearly always right. */
static struct respond_vm *
find(struct responder *r, const struct responder_vm *vm, size_t hint)
{
	struct respond_vm *own;

	for (size_t i = 0; i < r->n_vms; i++) {
		own = &r->vms[(hint + i) % r->n_vms];
		if (strcmp(own->uuid, vm->uuid) == 0 &&
		    strcmp(own->resource, vm->resource) == 0) {
			return own;
		}
	}
	if (strlen(vm->resource) >= sizeof(own->resource) ||
	    strlen(vm->uuid) >= sizeof(own->uuid)) {
		return NULL;
	}
	own = make_room(r);
	if (own) {
		memset(own, 0, sizeof(*own));
		own->run.stderr_fd = -1;
		strcpy(own->resource, vm->resource);
		strcpy(own->uuid, vm->uuid);
	}
	return own;
}

/* When this host is connected, all that have nothing under way. Not before: a
 * list that can't be read for a moment must not make a shutdown that has failed
 * forgotten. */
static void
forget(struct responder *r)
{
	size_t kept = 0;

	if (r->isolation.state != HA_ISOLATION_CONNECTED) {
		return;
	}
	for (size_t i = 0; i < r->n_vms; i++) {
		if (r->vms[i].run.pid == 0) {
			continue;
		}
		if (kept != i) {
			r->vms[kept] = r->vms[i];
		}
		kept++;
	}
	r->n_vms = kept;
}

void
respond_tick(struct responder *r, const struct responder_facts *facts,
	     bool may_begin)
{
	for (size_t i = 0; i < r->n_vms; i++) {
		r->vms[i].is_listed = false;
		if (r->vms[i].run.pid != 0) {
			collect(r, &r->vms[i]);
		}
	}
	if (r->isolation.state != HA_ISOLATION_CONNECTED) {
		for (size_t i = 0; i < facts->n_vms; i++) {
			struct respond_vm *own = find(r, &facts->vms[i], i);

			if (own) {
				own->is_listed = true;
				answer(r, facts, own, &facts->vms[i],
				       may_begin);
			}
		}
	}
	forget(r);
}

static const char *
step_name(enum ha_response_step step)
{
	switch (step) {
	case HA_RESPONSE_STEP_LEAVE:
		return "leave";
	case HA_RESPONSE_STEP_WAIT:
		return "wait";
	case HA_RESPONSE_STEP_DEFER:
		return "defer";
	case HA_RESPONSE_STEP_SHUTDOWN:
		return "shutdown";
	case HA_RESPONSE_STEP_POWEROFF:
		return "poweroff";
	}
	return "?";
}

json_t *
respond_describe(const struct responder *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_vms; i++) {
		const struct respond_vm *own = &r->vms[i];

		if (!own->is_listed && own->run.pid == 0) {
			continue;
		}
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:b, s:i, s:s}", "resource",
				  own->resource, "step",
				  step_name(own->verdict.step), "why",
				  ha_response_why_text(own->verdict.why),
				  "is_stopping", own->run.pid != 0, "tries",
				  (int)own->tries, "error", own->error));
	}
	return list;
}
