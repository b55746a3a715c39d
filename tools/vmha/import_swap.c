/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm import, the change itself: one update that replaces the definition
 * and takes it out of Pacemaker's hands, probes by the new agent on all hosts,
 * and only then Pacemaker's hands again. What the probes do not confirm is
 * taken back the same way. It never starts or stops anything.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "import.h"

#define PROBE_MS 90000u /* a monitor (30 s) on each host, and a transition */

/* One host's probe: 1 it says the same as before, 0 not yet, -EIO another. */
static int
probe_of(const struct import *job, const struct cib_node *cib, const char *host,
	 bool is_new, struct ha_err *err)
{
	const char *provider = is_new ? "vmha" : "heartbeat";
	bool is_here = strcmp(host, job->host) == 0;
	struct cib_past past;

	cib_past(cib_find(cib, "node_state", "uname", host), job->rsc, &past);
	if (!past.lrm || strcmp(cib_get(past.lrm, "provider"), provider) != 0) {
		return 0;
	}
	switch (past.where) {
	case CIB_NEVER:
	case CIB_BUSY:
		return 0;
	case CIB_ON:
		return is_here ? 1 :
				 ha_err_set(err, -EIO, "it was found on %s too",
					    host);
	case CIB_OFF:
		return !is_here ? 1 :
				  ha_err_set(err, -EIO,
					     "it was not found on %s", host);
	case CIB_FAILED:
		break;
	}
	return ha_err_set(err, -EIO, "the probe on %s failed%s%s", host,
			  *past.reason ? ": " : "", past.reason);
}

/* All hosts that can tell have told: 1, 0 not yet, -EIO. */
static int
probes(const struct import *job, bool is_new, struct ha_err *err)
{
	struct cib_node *cib = NULL;
	const struct cib_node *node = NULL;
	int all = 1;
	int rc = cib_read(&cib, err);

	if (rc < 0) {
		return 0; /* an election: asked again until the deadline */
	}
	while (all >= 0 &&
	       (node = cib_next(cib_next(cib, NULL, "nodes"), node, "node"))) {
		const char *host = cib_get(node, "uname");

		if (cib_host(cib, host) == CIB_HOST_OFFLINE) {
			continue;
		}
		rc = probe_of(job, cib, host, is_new, err);
		all = rc < 0 ? rc : all && rc;
	}
	cib_free(cib);
	return all;
}

/* Unmanaged with that definition, and probed. */
static int
swap(struct import *job, const char *xml, bool is_new, struct ha_err *err)
{
	const char *const refresh[] = { "crm_resource", "--refresh",
					"--resource", job->rsc, NULL };
	uint64_t end_ms =
		ha_clock_now_ms() +
		(job->v->args.wait_ms ? job->v->args.wait_ms : PROBE_MS);
	int rc = cib_replace(xml, err);

	rc = rc < 0 ? rc : wait_run(refresh, err);
	if (rc < 0) {
		return rc;
	}
	for (;;) {
		rc = probes(job, is_new, err);
		if (rc != 0) {
			return rc < 0 ? rc : 0;
		}
		if (ha_clock_left_ms(end_ms) == 0) {
			return ha_err_set(err, -ETIMEDOUT,
					  "the probes have not ended in time");
		}
		ha_clock_sleep_ms(WAIT_POLL_MS, end_ms);
	}
}

/* It did not work: back to what was. */
static int
take_back(struct import *job, int rc)
{
	struct ha_err why = job->v->err;
	struct ha_err err = HA_ERR_INIT;
	int back;

	wait_say(job->v, "%s: %s; taking it back", job->rsc, why.text);
	back = swap(job, job->back, false, &err);
	back = back < 0 ? back : cib_replace(job->before, &err);
	if (back < 0) {
		return ha_err_set(&job->v->err, rc,
				  "%s is left unmanaged: %s; and its old "
				  "definition could not be put back: %s. Its "
				  "guest was not touched. Look where it runs, "
				  "then: crm resource manage %s",
				  job->rsc, why.text, err.text, job->rsc);
	}
	return ha_err_set(&job->v->err, rc,
			  "%s is as it was, its guest was not touched: %s",
			  job->rsc, why.text);
}

int
import_carry_out(struct import *job)
{
	int rc = swap(job, job->swap, true, &job->v->err);

	if (rc == 0) {
		wait_say(job->v, "%s: the new agent's probes agree: %s%s",
			 job->rsc,
			 *job->host ? "it runs on " : "it runs nowhere",
			 job->host);
		rc = cib_replace(job->after, &job->v->err);
		return rc < 0 ? ha_err_prefix(&job->v->err, rc,
					      "%s is imported, but still "
					      "unmanaged (crm resource manage "
					      "%s): ",
					      job->rsc, job->rsc) :
				0;
	}
	return take_back(job, rc);
}
