/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm set-reservation: what a VM reserves, its primitive's utilization. A
 * raise is judged before anything is written, by the code and the policy that
 * the master uses, and then by the master, which keeps the room until it is
 * written. Then its word in the ticket is waited for: vmha-cpu and vmha-memory.
 * Lowering is never refused, and nobody is asked about it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "door.h"
#include "ha/clock.h"
#include "ha/ipc.h"
#include "ha/text.h"
#include "policy.h"
#include "wait.h"
#include "why.h"

#define ADMIT_WAIT_MS 20000u
#define MS_PER_S 1000u
#define VALUE_MAX ((uint64_t)INT32_MAX) /* what Pacemaker counts with */
#define XML_BYTES 8192u
#define ID_BYTES 512u
#define KEYS 2u

static const char *const NAMES[KEYS] = { "cpu_mhz", "memory_mb" };
static const char *const ADMITTED[KEYS] = { "vmha-cpu", "vmha-memory" };

struct job {
	struct vmha *v;
	const char *vm;
	const struct cib_node *primitive;
	struct weighing w;
	bool is_given[KEYS];
	uint64_t value[KEYS];    /* of what is given */
	uint64_t reserved[KEYS]; /* what counts then */
	bool is_changed, is_on;
};

static int
take_word(struct job *job, const char *word)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : 0;

	for (size_t i = 0; i < KEYS; i++) {
		if (!value || len != strlen(NAMES[i]) ||
		    strncmp(word, NAMES[i], len) != 0) {
			continue;
		}
		if (job->is_given[i]) {
			return ha_err_set(&job->v->err, -EINVAL,
					  "%s is given twice", NAMES[i]);
		}
		if (ha_text_uint64(value + 1, &job->value[i]) < 0 ||
		    job->value[i] > VALUE_MAX) {
			return ha_err_set(&job->v->err, -EINVAL,
					  "%s: give a whole number of %s from "
					  "0 to %" PRIu64,
					  word, i == 0 ? "MHz" : "MiB",
					  VALUE_MAX);
		}
		job->is_given[i] = true;
		return 0;
	}
	return ha_err_set(
		&job->v->err, -EINVAL,
		"%s: after the VM come cpu_mhz=N, memory_mb=N or both", word);
}

static int
take_words(struct job *job)
{
	const struct vmha_args *args = &job->v->args;
	int rc = wait_is_name(job->vm, &job->v->err);

	for (uint32_t i = 1; rc == 0 && i < args->operands; i++) {
		rc = take_word(job, args->operand[i]);
	}
	return rc;
}

/* Its own nvpair of that name, and the set to put one into; NULL: none. */
static const struct cib_node *
find_pair(const struct cib_node *primitive, const char *name,
	  const struct cib_node **ret_set)
{
	const struct cib_node *set = primitive->first;
	const struct cib_node *pair = NULL;

	*ret_set = NULL;
	for (; set && !pair; set = set->next) {
		if (cib_is(set, "utilization") && *cib_get(set, "id")) {
			*ret_set = *ret_set ? *ret_set : set;
			pair = cib_find(set, "nvpair", "name", name);
			*ret_set = pair ? set : *ret_set;
		}
	}
	return pair;
}

/* What would count with the new utilization; is_changed. */
static int
look(struct job *job)
{
	const struct ha_cibinv *inv = job->w.facts.inv;
	struct ha_demand_facts facts;
	struct ha_demand demand;
	uint32_t i = 0;

	while (i < inv->inv.n_vms &&
	       strcmp(inv->inv.vms[i].name, job->vm) != 0) {
		i++;
	}
	if (i == inv->inv.n_vms) {
		return ha_err_set(&job->v->err, -ESRCH,
				  "admission control does not count %s",
				  job->vm);
	}
	facts = inv->vms[i].facts;
	facts.admitted_cpu_mhz.is_there = false;
	facts.admitted_memory_mb.is_there = false;
	for (size_t k = 0; k < KEYS; k++) {
		struct ha_demand_value *now =
			k == 0 ? &facts.cpu_mhz : &facts.memory_mb;

		if (job->is_given[k]) {
			job->is_changed = job->is_changed || !now->is_there ||
					  now->value != job->value[k];
			*now = (struct ha_demand_value){ true, job->value[k] };
		}
	}
	ha_demand_judge(&facts, &demand);
	job->reserved[0] = demand.cpu_mhz;
	job->reserved[1] = demand.memory_mb;
	job->is_on =
		inv->inv.vms[i].is_on && inv->inv.vms[i].host != HA_INV_NONE;
	job->w.file->request = (struct ha_admission_request){
		.op = HA_ADMISSION_RAISE,
		.vm = i,
		.host = HA_INV_NONE,
		.has_cpu = true,
		.has_memory = true,
		.cpu_mhz = demand.cpu_mhz,
		.memory_mb = demand.memory_mb,
	};
	return 0;
}

static int
judge(struct job *job)
{
	const struct weighing *w = &job->w;
	int rc;

	if (!w->is_enforced) {
		return 0;
	}
	rc = weighing_decide(job->v, &job->w);
	if (rc < 0 || ha_admission_is_yes(w->answer.verdict) ||
	    job->v->args.is_forced) {
		return rc;
	}
	return ha_err_set(&job->v->err, -EPERM,
			  "admission control refuses it: %s%s%s. Nothing was "
			  "written; --force writes it all the same, and the "
			  "cluster goes on with what was admitted",
			  w->reason.text,
			  w->help.text[0] ? ". What would help: " : "",
			  w->help.text);
}

/* One update, whatever is set. */
static int
write_pairs(struct job *job)
{
	char xml[XML_BYTES] = "";
	FILE *out = fmemopen(xml, sizeof(xml), "w");
	const struct cib_node *set;
	char in[ID_BYTES] = ""; /* the set that is open */
	bool is_cut;

	if (!out) {
		return ha_err_set(&job->v->err, -ENOMEM, "no memory");
	}
	fputs("<cib><configuration><resources><primitive", out);
	cib_put_attr(out, "id", job->vm);
	fputc('>', out);
	for (size_t i = 0; i < KEYS; i++) {
		const struct cib_node *pair =
			find_pair(job->primitive, NAMES[i], &set);
		char id[ID_BYTES];
		char number[32];

		if (!job->is_given[i]) {
			continue;
		}
		snprintf(id, sizeof(id), "%s%s",
			 set ? cib_get(set, "id") : job->vm,
			 set ? "" : "-utilization");
		if (strcmp(in, id) != 0) {
			fputs(*in ? "</utilization><utilization" :
				    "<utilization",
			      out);
			cib_put_attr(out, "id", id);
			fputc('>', out);
			memcpy(in, id, sizeof(in));
		}
		fputs("<nvpair", out);
		snprintf(id, sizeof(id), "%s-utilization-%s", job->vm,
			 NAMES[i]);
		snprintf(number, sizeof(number), "%" PRIu64, job->value[i]);
		cib_put_attr(out, "id", pair ? cib_get(pair, "id") : id);
		cib_put_attr(out, "name", NAMES[i]);
		cib_put_attr(out, "value", number);
		fputs("/>", out);
	}
	fputs("</utilization></primitive></resources></configuration></cib>",
	      out);
	is_cut = fclose(out) != 0 || strlen(xml) + 1 >= sizeof(xml);
	return is_cut ? ha_err_set(&job->v->err, -E2BIG,
				   "the ids of %s are too long", job->vm) :
			cib_modify(xml, &job->v->err);
}

static bool
is_admitted(const struct job *job, const struct cib_node *cib)
{
	const struct cib_node *ticket = cib_ticket(cib, job->vm);

	for (size_t i = 0; i < KEYS; i++) {
		uint64_t value = 0;

		if (ha_text_uint64(cib_get(ticket, ADMITTED[i]), &value) < 0 ||
		    value != job->reserved[i]) {
			return false;
		}
	}
	return true;
}

/* The master's no, if this host's manager knows it. */
static bool
is_refused(struct job *job)
{
	json_t *request =
		json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status");
	struct known known = { .manager = NULL };
	const char *path = job->v->args.manager;
	struct known_admission told;

	(void)ha_ipc_ask(path ? path : HA_IPC_FDM_PATH, request,
			 ha_clock_now_ms() + ASK_MS, &known.manager, NULL);
	json_decref(request);
	told = known_admission(&known, job->vm);
	if (*told.state) {
		(void)ha_err_set(
			&job->v->err, -EPERM,
			"it is written, and the master refuses it: %s. "
			"%s runs on with what was admitted, until there "
			"is room or its reservation is lowered",
			told.text, job->vm);
	}
	json_decref(known.manager);
	return *told.state;
}

/* Who would admit it, and is there anything to admit? */
static bool
is_waited_for(const struct job *job)
{
	return job->w.is_enforced && job->is_on &&
	       cib_gate(job->w.facts.cib, job->vm);
}

static int
wait_admitted(struct job *job, uint64_t *ret_took_ms)
{
	uint64_t begin_ms = ha_clock_now_ms();
	uint64_t span_ms =
		job->v->args.wait_ms ? job->v->args.wait_ms : ADMIT_WAIT_MS;

	for (;;) {
		struct cib_node *cib = NULL;
		int rc = cib_read(&cib, &job->v->err);
		bool is_done = rc == 0 && is_admitted(job, cib);

		cib_free(cib);
		if (is_done) {
			*ret_took_ms = ha_clock_now_ms() - begin_ms;
			return 0;
		}
		if (rc == 0 && ha_clock_left_ms(begin_ms + REJUDGED_MS) == 0 &&
		    is_refused(job)) {
			return -EPERM;
		}
		if (ha_clock_left_ms(begin_ms + span_ms) == 0) {
			return rc < 0 ? rc :
					ha_err_set(
						&job->v->err, -ETIMEDOUT,
						"it is written, but the master "
						"has not admitted it within "
						"%" PRIu64 " s: vmha why %s",
						span_ms / MS_PER_S, job->vm);
		}
		ha_clock_sleep_ms(WAIT_POLL_MS, begin_ms + span_ms);
	}
}

static int
tell(struct job *job, bool is_written, bool is_admitted_now, uint64_t took_ms)
{
	struct vmha *v = job->v;
	char span[32];

	if (v->args.is_json) {
		return vmha_json(
			v, json_pack("{s:s, s:I, s:I, s:b, s:b, s:b, s:I}",
				     "vm", job->vm, "cpu_mhz",
				     (json_int_t)job->reserved[0], "memory_mb",
				     (json_int_t)job->reserved[1], "written",
				     (int)is_written, "admitted",
				     (int)is_admitted_now, "dry_run",
				     (int)v->args.is_dry_run, "took_ms",
				     (json_int_t)took_ms));
	}
	if (v->args.is_dry_run) {
		for (size_t i = 0; i < KEYS; i++) {
			if (job->is_given[i]) {
				printf("crm resource utilization %s set %s "
				       "%" PRIu64 "\n",
				       job->vm, NAMES[i], job->value[i]);
			}
		}
		return VMHA_OK;
	}
	wait_say(v, "%s reserves %" PRIu64 " MHz and %" PRIu64 " MB%s%s.",
		 job->vm, job->reserved[0], job->reserved[1],
		 is_admitted_now ? ", admitted by the master after " : "",
		 is_admitted_now ? vmha_span(took_ms, span, sizeof(span)) : "");
	if (!is_admitted_now) {
		wait_say(v, "%s",
			 !job->w.is_enforced ?
				 "Nobody judges it: admission control is "
				 "disabled, or no ocf:vmha:FaultDomain runs." :
			 !job->is_on ?
				 "It does not run: this is judged when it "
				 "is started." :
				 "It has no gate, so that the master does "
				 "not admit it: vmha vm add.");
	}
	return VMHA_OK;
}

/* With the master's word, where it is a raise of one that is on. */
static int
write_admitted(struct job *job)
{
	const struct ha_admission_request *request = &job->w.file->request;
	enum ha_admission_reason reason = job->w.answer.reason;
	struct vmha *v = job->v;
	struct door door = { .ask = { .kind = HA_DOOR_RAISE,
				      .cpu_mhz = request->cpu_mhz,
				      .memory_mb = request->memory_mb },
			     .lock_fd = -1 };
	int rc = 0;

	if (job->w.is_enforced && !v->args.is_forced &&
	    reason != HA_ADMISSION_IS_LOWERED &&
	    reason != HA_ADMISSION_IS_OFF) {
		(void)ha_text_copy(door.ask.object, sizeof(door.ask.object),
				   job->vm);
		rc = door_open(v, job->w.facts.cib, &door);
	}
	if (rc > 0) {
		return ha_err_set(&v->err, -EPERM,
				  "the master refuses it: %s. Nothing was "
				  "written; --force writes it all the same, "
				  "and the cluster goes on with what was "
				  "admitted",
				  door.refusal);
	}
	rc = rc < 0 ? rc : door_is_in_time(&door, &v->err);
	rc = rc < 0 ? rc : write_pairs(job);
	door_close(&door, rc);
	return rc;
}

/* What was forced is told as written, whatever the master says. */
static int
carry_out(struct job *job)
{
	struct vmha *v = job->v;
	uint64_t took_ms = 0;
	bool is_waited = is_waited_for(job);
	int rc = 0;

	if (v->args.is_dry_run) {
		return tell(job, false, false, 0);
	}
	if (job->is_changed) {
		rc = write_admitted(job);
	}
	if (rc == 0 && is_waited) {
		rc = wait_admitted(job, &took_ms);
	}
	if (rc == -EPERM && v->args.is_forced) {
		vmha_warn("%s", v->err.text);
		return VMHA_OK;
	}
	return rc < 0 ? vmha_fail(v, rc) :
			tell(job, job->is_changed, is_waited, took_ms);
}

int
vmha_vm_set_reservation(struct vmha *v)
{
	struct job job = { .v = v, .vm = v->args.operand[0] };
	int rc = take_words(&job);
	int code;

	if (rc < 0) {
		(void)vmha_fail(v, rc);
		return VMHA_USAGE;
	}
	rc = weighing_load_cluster(v, &job.w);
	rc = rc < 0 ? rc :
		      wait_is_vm(job.w.facts.cib, job.vm, &job.primitive,
				 &v->err);
	rc = rc < 0 ? rc : wait_has_quorum(job.w.facts.cib, &v->err);
	rc = rc < 0 ? rc : look(&job);
	rc = rc < 0 ? rc : judge(&job);
	code = rc < 0 ? vmha_fail(v, rc) : carry_out(&job);
	weighing_done(&job.w);
	return code;
}
