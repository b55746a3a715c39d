/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm start and stop: Pacemaker's target-role, and the proof that it was
 * followed. "Stopped" is said only when the history proves it on every host:
 * a stop that succeeded or a probe that found nothing. Tickets are the
 * master's and are never touched here: one that was kept off at a cold start,
 * where no change of target-role would show, is asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/ipc.h"
#include "policy.h"
#include "power_on.h"
#include "wait.h"
#include "why.h"

#define START_WAIT_MS 180000u
#define STOP_WAIT_MS 300000u /* a guest's shutdown, then power off */
#define NOTED_MS 5000u       /* without a master nobody takes its ticket */
#define MS_PER_S 1000u

struct role {
	const char *verb; /* "stop" */
	const char *value;
	bool is_start;
	uint64_t wait_ms;
};
static const struct role START = { "start", "Started", true, START_WAIT_MS };
static const struct role STOP = { "stop", "Stopped", false, STOP_WAIT_MS };

struct job {
	struct vmha *v;
	const struct role *role;
	const char *vm;
	struct cib_node *cib;
	const struct cib_node *primitive;
	char said[HA_ERR_TEXT];
	bool is_refused; /* by admission control; v->err has the words */
	char refusal[HA_ERR_TEXT]; /* without what would help */
	char host[HA_HOST_NAME];   /* where it runs, or ran */
};

static int
read_cib(struct job *job)
{
	cib_free(job->cib);
	job->cib = NULL;
	return cib_read(&job->cib, &job->v->err);
}

/* Is it so already, or by now? Tells what is under way. */
static bool
is_reached(struct job *job)
{
	struct cib_past past;
	const struct cib_node *where = cib_active_on(job->cib, job->vm, &past);
	const char *host = where ? cib_get(where, "uname") : "";

	if (*host) {
		snprintf(job->host, sizeof(job->host), "%s", host);
	}
	switch (past.where) {
	case CIB_BUSY:
		wait_say_new(job->v, job->said, "%s: %s under way on %s",
			     job->vm, past.operation, host);
		return false;
	case CIB_FAILED:
		wait_say_new(job->v, job->said, "%s: %s failed on %s%s%s",
			     job->vm, past.operation, host,
			     *past.reason ? ": " : "", past.reason);
		return false;
	case CIB_NEVER:
	case CIB_OFF:
		return !job->role->is_start;
	case CIB_ON:
		break;
	}
	return job->role->is_start;
}

static bool
is_set(const struct job *job)
{
	return cib_is_stopped(job->cib, job->primitive) != job->role->is_start;
}

/* What keeps it from starting, from the CIB. */
static void
put_reasons(struct job *job)
{
	json_t *reasons = json_array();
	const json_t *it;
	size_t i;

	cib_reasons(job->cib, cib_find(job->cib, "primitive", "id", job->vm),
		    reasons);
	json_array_foreach(reasons, i, it)
	{
		wait_say(job->v, "%s: %s", job->vm, vmha_text(it, "text"));
	}
	json_decref(reasons);
}

static void
note_ticket(struct job *job)
{
	const struct cib_node *ticket = cib_ticket(job->cib, job->vm);

	if (job->role->is_start && cib_gate(job->cib, job->vm) &&
	    !cib_is_granted(ticket) && !cib_is_powered_off(ticket) &&
	    !policy_is_refused(ticket)) {
		wait_say(job->v,
			 "%s: its ticket is %s, so it waits for the master to "
			 "grant it: vmha why %s",
			 job->vm, ticket ? "not granted" : "missing", job->vm);
	}
}

/* Stopped, and its ticket is still granted: who starts it again now, or a VM
 * that depends on it, would start without the master's leave. */
static bool
is_noted(const struct job *job, uint64_t *since_ms)
{
	if (job->role->is_start || !cib_gate(job->cib, job->vm) ||
	    !cib_is_granted(cib_ticket(job->cib, job->vm))) {
		return true;
	}
	if (*since_ms == 0) {
		*since_ms = ha_clock_now_ms();
	}
	return ha_clock_left_ms(*since_ms + NOTED_MS) == 0;
}

/* The master's no. One that stood before may be of a moment ago, when there
 * was less room: the master judges again by itself. */
static bool
is_refused(const struct job *job, uint64_t begin_ms, bool was_refused)
{
	return job->role->is_start && cib_gate(job->cib, job->vm) &&
	       policy_is_refused(cib_ticket(job->cib, job->vm)) &&
	       (!was_refused || ha_clock_left_ms(begin_ms + REJUDGED_MS) == 0);
}

static int
refused(struct job *job)
{
	json_t *request =
		json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status");
	const char *path = job->v->args.manager;
	struct known known = { .cib = job->cib };
	struct known_admission told;

	(void)ha_ipc_ask(path ? path : HA_IPC_FDM_PATH, request,
			 ha_clock_now_ms() + ASK_MS, &known.manager, NULL);
	json_decref(request);
	known_judge(job->v, &known, job->vm);
	told = known_admission(&known, job->vm);
	job->is_refused = true;
	snprintf(job->refusal, sizeof(job->refusal), "%s", told.text);
	(void)ha_err_set(&job->v->err, -EPERM,
			 "%s is not started, admission control refuses it: "
			 "%s%s%s. It starts by itself once there is room; "
			 "\"vmha vm stop %s\" takes that back",
			 job->vm, told.text,
			 *told.help ? ". What would help: " : "", told.help,
			 job->vm);
	json_decref(known.manager);
	json_decref(known.fresh);
	return -EPERM;
}

static int
wait_until(struct job *job, uint64_t *ret_took_ms)
{
	uint64_t since_ms = 0;
	uint64_t begin_ms = ha_clock_now_ms();
	bool was_refused = policy_is_refused(cib_ticket(job->cib, job->vm));
	uint64_t span_ms = job->v->args.wait_ms ? job->v->args.wait_ms :
						  job->role->wait_ms;
	int rc = 0;

	for (;;) {
		rc = read_cib(job);
		if (rc == 0 && is_reached(job) && is_noted(job, &since_ms)) {
			*ret_took_ms = ha_clock_now_ms() - begin_ms;
			return 0;
		}
		if (rc == 0 && is_refused(job, begin_ms, was_refused)) {
			return refused(job);
		}
		/* An election of Pacemaker's takes a moment. */
		if (ha_clock_left_ms(begin_ms + span_ms) == 0) {
			break;
		}
		ha_clock_sleep_ms(WAIT_POLL_MS, begin_ms + span_ms);
	}
	if (rc < 0) {
		return rc;
	}
	put_reasons(job);
	return ha_err_set(&job->v->err, -ETIMEDOUT,
			  "%s is not proven %s within %" PRIu64
			  " s; target-role=%s stays, and Pacemaker goes on: "
			  "vmha why %s",
			  job->vm, job->role->is_start ? "running" : "stopped",
			  span_ms / MS_PER_S, job->role->value, job->vm);
}

static int
tell(struct job *job, bool is_changed, uint64_t took_ms)
{
	struct vmha *v = job->v;
	char span[32];

	if (v->args.is_json) {
		return vmha_json(
			v,
			json_pack("{s:s, s:s, s:s, s:b, s:I}", "vm", job->vm,
				  "outcome",
				  job->role->is_start ? "running" : "stopped",
				  "host", job->host, "changed", (int)is_changed,
				  "took_ms", (json_int_t)took_ms));
	}
	vmha_span(took_ms, span, sizeof(span));
	if (job->role->is_start) {
		wait_say(v, "%s runs on %s%s%s.", job->vm, job->host,
			 is_changed ? ", after " : " already",
			 is_changed ? span : "");
		return VMHA_OK;
	}
	wait_say(v,
		 "%s is %s%s%s, proven by Pacemaker's history on every host.",
		 job->vm, is_changed ? "stopped" : "stopped already",
		 is_changed ? ", after " : "", is_changed ? span : "");
	wait_say(v,
		 "It is unprotected now: nothing restarts it before \"vmha vm "
		 "start %s\". Where it has a gate, the master takes its ticket "
		 "away.",
		 job->vm);
	return VMHA_OK;
}

static int
set_role(struct job *job)
{
	const char *const argv[] = { "crm_resource",
				     "--resource",
				     job->vm,
				     "--meta",
				     "--set-parameter",
				     "target-role",
				     "--parameter-value",
				     job->role->value,
				     NULL };

	return wait_run(argv, &job->v->err);
}

static int
call_on(struct job *job)
{
	json_t *request = json_pack("{s:i, s:s, s:s}", "v", HA_IPC_VERSION,
				    "op", "power-on", "resource", job->vm);
	json_t *answer = NULL;
	int rc = ha_ipc_ask(HA_IPC_FDM_PATH, request,
			    ha_clock_now_ms() + ASK_MS, &answer, &job->v->err);

	json_decref(request);
	json_decref(answer);
	return rc < 0 ? ha_err_prefix(&job->v->err, rc,
				      "%s is kept down (vmha why %s), and the "
				      "fault domain manager does not take the "
				      "word for it; start it, or say vmha "
				      "recover %s: ",
				      job->vm, job->vm, job->vm) :
			0;
}

/* What makes Pacemaker start or stop it. */
static int
act(struct job *job)
{
	const struct cib_node *ticket = cib_ticket(job->cib, job->vm);

	if (!is_set(job)) {
		return set_role(job);
	}
	return job->role->is_start && (cib_is_kept_off(ticket) ||
				       cib_is_waiting_failed(ticket)) ?
		       call_on(job) :
		       0;
}

static json_t *
dry_json(const struct job *job, const char *command,
	 const struct power_on *power_on)
{
	json_t *json = json_pack("{s:s, s:[s], s:b}", "vm", job->vm, "commands",
				 command, "dry_run", 1);

	if (power_on->is_asked) {
		(void)json_object_set_new(
			json, "admission",
			json_pack("{s:s, s:s, s:s}", "verdict",
				  power_on->is_yes ? "admit" : "refuse", "why",
				  power_on->reason.text, "help",
				  power_on->help.text));
	}
	return json;
}

static int
dry_run(struct job *job)
{
	struct vmha *v = job->v;
	struct power_on power_on = { .is_yes = true };
	char command[256];
	int rc = job->role->is_start && !is_reached(job) ?
			 power_on_ask(v, job->cib, job->vm, &power_on) :
			 0;

	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	snprintf(command, sizeof(command), "crm resource %s %s",
		 job->role->verb, job->vm);
	if (v->args.is_json) {
		rc = vmha_json(v, dry_json(job, command, &power_on));
		return rc == VMHA_OK && !power_on.is_yes ? VMHA_FAILED : rc;
	}
	puts(command);
	if (!power_on.is_yes) {
		return vmha_fail_with(
			v, -EPERM,
			"%s would not start, admission control would refuse "
			"it: %s%s%s",
			job->vm, power_on.reason.text,
			power_on.help.text[0] ? ". What would help: " : "",
			power_on.help.text);
	}
	if (power_on.is_asked) {
		wait_say(v, "Admission control would admit %s: %s.", job->vm,
			 power_on.reason.text);
	}
	return VMHA_OK;
}

static int
run(struct vmha *v, const struct role *role)
{
	struct job job = { .v = v, .role = role, .vm = v->args.operand[0] };
	uint64_t took_ms = 0;
	bool is_changed = false;
	int rc = wait_is_name(job.vm, &v->err);
	int code;

	rc = rc < 0 ? rc : read_cib(&job);
	rc = rc < 0 ? rc :
		      wait_is_ours(job.cib, job.vm, &job.primitive, &v->err);
	rc = rc < 0 ? rc : wait_has_quorum(job.cib, &v->err);
	if (rc == 0 && v->args.is_dry_run) {
		code = dry_run(&job);
		cib_free(job.cib);
		return code;
	}
	if (rc == 0 && !(is_set(&job) && is_reached(&job))) {
		is_changed = true;
		note_ticket(&job);
		rc = act(&job);
		rc = rc < 0 ? rc : wait_until(&job, &took_ms);
	}
	if (job.is_refused && v->args.is_json) {
		(void)vmha_json(v, json_pack("{s:s, s:s, s:s, s:b}", "vm",
					     job.vm, "outcome", "refused",
					     "why", job.refusal, "changed",
					     (int)is_changed));
	}
	code = rc < 0 ? vmha_fail(v, rc) : tell(&job, is_changed, took_ms);
	cib_free(job.cib);
	return code;
}

int
wait_started(struct vmha *v, const char *vm, char *ret_host, size_t size,
	     uint64_t *ret_took_ms)
{
	struct job job = { .v = v, .role = &START, .vm = vm };
	int rc = read_cib(&job);

	if (rc == 0) {
		note_ticket(&job);
		rc = wait_until(&job, ret_took_ms);
	}
	if (rc == 0) {
		snprintf(ret_host, size, "%s", job.host);
	}
	cib_free(job.cib);
	return rc;
}

int
vmha_vm_start(struct vmha *v)
{
	return run(v, &START);
}

int
vmha_vm_stop(struct vmha *v)
{
	return run(v, &STOP);
}
