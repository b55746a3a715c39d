/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A live migration with a deadline. virDomainMigrateToURI3() returns when all
 * is over, so the handle's worker sits in it while this thread watches the
 * clock and uses a second connection for what must happen meanwhile: set the
 * downtime, switch to post-copy, suspend, abort. The second connection is
 * optional at each step; losing it costs an action, never the watch.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "hv.h"

#define WATCH_STEP_MS 250u     /* between looks at a running migration */
#define SIDE_WAIT_MS 1000u     /* for one request of the second connection */
#define FIRST_PASS_DONE 2u     /* memory_iteration while in the second pass */
#define PROGRESS_STEP_MS 1000u /* between looks at the bytes sent */

struct migrate_job {
	struct hv_job job;
	struct ha_hv_migrate spec; /* strings are ours */
	char *uuid;
	char *dest_uri;
	char *data_uri;
	char *listen_address;
};

enum side_op {
	SIDE_ABORT,
	SIDE_SUSPEND,
	SIDE_POSTCOPY,
	SIDE_DOWNTIME,
	SIDE_PROGRESS, /* result: struct progress */
};

/* Of virDomainGetJobStats. */
struct progress {
	unsigned long long passes; /* memory_iteration */
	unsigned long long bytes;  /* sent so far */
};

struct side_job {
	struct hv_job job;
	enum side_op op;
	char uuid[HA_UUID_TEXT];
	uint64_t downtime_ms;
	struct progress ret_progress;
};

/* What the watching thread knows. */
struct watch {
	struct ha_hv *hv;   /* its worker migrates */
	struct ha_hv *side; /* NULL: not open */
	struct migrate_job *j;
	const struct ha_hv_migrate *spec;
	uint64_t deadline_ms;
	uint64_t end_ms;    /* the abort's time included */
	uint64_t looked_ms; /* at the progress, last */
	uint64_t still_ms;  /* for so long no byte has been seen to move */
	unsigned long long bytes;
	bool soft_done;
	bool stalled;
	bool aborting;
	bool downtime_done;
	bool postcopy_done;
};

static void
migrate_release(struct hv_job *job)
{
	struct migrate_job *j = (struct migrate_job *)job;

	free(j->uuid);
	free(j->dest_uri);
	free(j->data_uri);
	free(j->listen_address);
	free(j);
}

static unsigned int
flags_of(const struct ha_hv_migrate *spec)
{
	const struct {
		bool on;
		unsigned int flag;
	} map[] = {
		{ spec->auto_converge, VIR_MIGRATE_AUTO_CONVERGE },
		{ spec->postcopy || spec->soft_action == HA_HV_SOFT_POSTCOPY,
		  VIR_MIGRATE_POSTCOPY },
		{ spec->tls, VIR_MIGRATE_TLS },
		{ spec->tunnelled, VIR_MIGRATE_TUNNELLED },
		{ spec->unsafe, VIR_MIGRATE_UNSAFE },
		{ spec->compressed, VIR_MIGRATE_COMPRESSED },
		{ spec->parallel_connections > 1, VIR_MIGRATE_PARALLEL },
	};
	unsigned int flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER |
			     VIR_MIGRATE_ABORT_ON_ERROR;

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++) {
		flags |= map[i].on ? map[i].flag : 0;
	}
	return flags;
}

static int
params_fill(const struct ha_hv_migrate *spec, virTypedParameterPtr *params,
	    int *n, int *max)
{
	const struct {
		const char *name;
		const char *value;
	} texts[] = {
		{ VIR_MIGRATE_PARAM_URI, spec->data_uri },
		{ VIR_MIGRATE_PARAM_LISTEN_ADDRESS, spec->listen_address },
	};
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ VIR_MIGRATE_PARAM_BANDWIDTH, spec->bandwidth_mibs },
		{ VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY,
		  spec->postcopy_bandwidth_mibs },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!ha_text_is_empty(texts[i].value)) {
			rc |= virTypedParamsAddString(
				params, n, max, texts[i].name, texts[i].value);
		}
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (numbers[i].value) {
			rc |= virTypedParamsAddULLong(params, n, max,
						      numbers[i].name,
						      numbers[i].value);
		}
	}
	if (spec->parallel_connections > 1) {
		rc |= virTypedParamsAddInt(
			params, n, max, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
			(int)spec->parallel_connections);
	}
	return rc;
}

static int
migrate_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct migrate_job *j = (struct migrate_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	virTypedParameterPtr params = NULL;
	int n = 0;
	int max = 0;
	int rc = hv_domain_find(hv->conn, j->uuid, NULL, &dom, err);
	const char *name;

	if (rc < 0) {
		return rc;
	}
	name = virDomainGetName(dom);
	if (hv_is_dead(hv)) {
		return -ETIMEDOUT;
	}
	/* Older libvirt takes it only while migrating: the watch asks again. */
	if (j->spec.downtime_ms) {
		(void)virDomainMigrateSetMaxDowntime(dom, j->spec.downtime_ms,
						     0);
	}
	if (params_fill(&j->spec, &params, &n, &max) < 0 ||
	    virDomainMigrateToURI3(dom, j->dest_uri, params, (unsigned int)n,
				   flags_of(&j->spec)) < 0) {
		rc = hv_error(err, name, "migrate");
	}
	virTypedParamsFree(params, n);
	return rc;
}

static int
read_progress(virDomainPtr dom, struct progress *ret)
{
	virTypedParameterPtr params = NULL;
	struct progress p = { .bytes = 0 };
	int type = 0;
	int n = 0;

	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0) {
		return hv_errno();
	}
	virTypedParamsGetULLong(params, n, VIR_DOMAIN_JOB_MEMORY_ITERATION,
				&p.passes);
	virTypedParamsGetULLong(params, n, VIR_DOMAIN_JOB_DATA_PROCESSED,
				&p.bytes);
	virTypedParamsFree(params, n);
	*ret = p;
	return 0;
}

static int
side_run(struct ha_hv *side, struct hv_job *job, struct ha_err *err)
{
	struct side_job *s = (struct side_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(side->conn, s->uuid, NULL, &dom, err);

	if (rc < 0) {
		return rc;
	}
	switch (s->op) {
	case SIDE_ABORT:
		rc = virDomainAbortJob(dom);
		break;
	case SIDE_SUSPEND:
		rc = virDomainSuspend(dom);
		break;
	case SIDE_POSTCOPY:
		rc = virDomainMigrateStartPostCopy(dom, 0);
		break;
	case SIDE_DOWNTIME:
		rc = virDomainMigrateSetMaxDowntime(dom, s->downtime_ms, 0);
		break;
	case SIDE_PROGRESS:
		return read_progress(dom, &s->ret_progress);
	}
	return rc < 0 ? hv_errno() : 0;
}

static void
side_release(struct hv_job *job)
{
	free(job);
}

/* One bounded request beside the migration. ret_progress may be NULL. */
static int
side_call(struct watch *w, enum side_op op, struct progress *ret_progress)
{
	uint64_t until_ms = ha_clock_step_ms(w->end_ms, SIDE_WAIT_MS);
	struct side_job *s;
	int rc = 0;

	if (!w->side) {
		rc = hv_open(w->hv->uri, until_ms, &w->side, NULL);
	}
	s = rc == 0 ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		return rc < 0 ? rc : -ENOMEM;
	}
	s->job.run = side_run;
	s->job.release = side_release;
	s->job.refs = 1;
	s->op = op;
	s->downtime_ms = w->spec->downtime_ms;
	rc = ha_text_copy(s->uuid, sizeof(s->uuid), w->spec->uuid);
	if (rc == 0) {
		rc = hv_call(w->side, &s->job, until_ms, NULL);
	}
	if (rc == 0 && ret_progress) {
		*ret_progress = s->ret_progress;
	}
	hv_put(w->side, &s->job);
	if (rc == -ETIMEDOUT || rc == -ENOTCONN) {
		hv_close(w->side);
		w->side = NULL;
	}
	return rc;
}

/* From QEMU where the caller can ask it: libvirt, whose other thread waits
 * for a dead target, may not answer. */
static bool
read_bytes(struct watch *w, struct progress *p)
{
	const struct ha_hv_migrate *spec = w->spec;
	uint64_t bytes = 0;

	if (spec->bytes_sent && spec->bytes_sent(spec->ctx, &bytes)) {
		p->bytes = bytes;
		return true;
	}
	return side_call(w, SIDE_PROGRESS, p) == 0;
}

/* A target that has died takes no bytes and says nothing: QEMU and libvirt
 * would wait for it for half a minute and more, and Pacemaker fences it no
 * sooner than this migration ends. In post-copy there is no way back. */
static void
watch_progress(struct watch *w)
{
	const struct ha_hv_migrate *spec = w->spec;
	uint64_t now_ms = ha_clock_now_ms();
	struct progress p = { .bytes = w->bytes };

	if (now_ms - w->looked_ms < PROGRESS_STEP_MS) {
		return;
	}
	/* Counts only from the first byte (a target may need long to make
	 * its memory ready) and only from answer to answer. */
	if (read_bytes(w, &p)) {
		w->still_ms = p.bytes == 0 || p.bytes != w->bytes ?
				      0 :
				      w->still_ms + (now_ms - w->looked_ms);
		w->bytes = p.bytes;
	}
	w->looked_ms = now_ms;
	if (spec->postcopy && !w->postcopy_done &&
	    side_call(w, SIDE_PROGRESS, &p) == 0 &&
	    p.passes >= FIRST_PASS_DONE) {
		w->postcopy_done = side_call(w, SIDE_POSTCOPY, NULL) == 0;
	}
	if (spec->stall_ms && !w->postcopy_done &&
	    w->still_ms >= spec->stall_ms) {
		w->stalled = true;
		w->aborting = true;
	}
}

/* A running migration, looked at once. */
static void
watch_step(struct watch *w)
{
	const struct ha_hv_migrate *spec = w->spec;

	if (spec->downtime_ms && !w->downtime_done) {
		w->downtime_done = side_call(w, SIDE_DOWNTIME, NULL) == 0;
	}
	if (!w->aborting) {
		watch_progress(w);
	}
	if (w->aborting) {
		(void)side_call(w, SIDE_ABORT, NULL);
	}
	if (!spec->soft_deadline_ms || w->soft_done ||
	    ha_clock_left_ms(spec->soft_deadline_ms) > 0) {
		return;
	}
	switch (spec->soft_action) {
	case HA_HV_SOFT_ABORT:
		w->soft_done = true;
		w->aborting = true;
		(void)side_call(w, SIDE_ABORT, NULL);
		break;
	case HA_HV_SOFT_SUSPEND:
		w->soft_done = side_call(w, SIDE_SUSPEND, NULL) == 0;
		break;
	case HA_HV_SOFT_POSTCOPY:
		w->soft_done = side_call(w, SIDE_POSTCOPY, NULL) == 0;
		w->postcopy_done = w->postcopy_done || w->soft_done;
		break;
	}
}

static int
abort_result(const struct watch *w, struct ha_err *err)
{
	const char *why = w->stalled ? "target takes no data any more" :
				       "given up at the time limit";

	if (!err || !err->text[0]) {
		return ha_err_set(err, -ECANCELED, "%s", why);
	}
	return ha_err_prefix(err, -ECANCELED, "%s: ", why);
}

static int
watch_result(const struct watch *w, struct ha_err *err)
{
	const struct hv_job *job = &w->j->job;

	if (job->rc < 0 && err) {
		*err = job->err;
	}
	return job->rc < 0 && w->aborting ? abort_result(w, err) : job->rc;
}

/* Waits for the worker until the deadline, then for the abort. */
static int
watch(struct watch *w, struct ha_err *err)
{
	for (;;) {
		uint64_t now_ms = ha_clock_now_ms();

		if (hv_wait(w->hv, &w->j->job,
			    ha_clock_step_ms(w->end_ms, WATCH_STEP_MS))) {
			return watch_result(w, err);
		}
		if (now_ms >= w->end_ms) {
			break;
		}
		w->aborting = w->aborting || now_ms >= w->deadline_ms;
		/* Before libvirt is asked, which may not answer any more. */
		if (w->aborting && w->spec->is_cancelled &&
		    w->spec->is_cancelled(w->spec->ctx)) {
			hv_give_up(w->hv, NULL);
			return abort_result(w, err);
		}
		watch_step(w);
	}
	hv_give_up(w->hv, NULL);
	return ha_err_set(err, -ETIMEDOUT,
			  "migration to %s: aborted at the time limit, but "
			  "libvirt has not ended it %u ms later; the machine "
			  "may be on either host, see virsh domjobinfo",
			  w->spec->dest_uri, HA_HV_ABORT_WAIT_MS);
}

static int
copy_text(char **dst, const char *src)
{
	*dst = src ? strdup(src) : NULL;
	return src && !*dst ? -ENOMEM : 0;
}

static struct migrate_job *
job_new(const struct ha_hv_migrate *spec)
{
	struct migrate_job *j = calloc(1, sizeof(*j));

	if (!j) {
		return NULL;
	}
	j->job.run = migrate_run;
	j->job.release = migrate_release;
	j->job.refs = 1;
	j->spec = *spec;
	if (copy_text(&j->uuid, spec->uuid) < 0 ||
	    copy_text(&j->dest_uri, spec->dest_uri) < 0 ||
	    copy_text(&j->data_uri, spec->data_uri) < 0 ||
	    copy_text(&j->listen_address, spec->listen_address) < 0) {
		migrate_release(&j->job);
		return NULL;
	}
	j->spec.uuid = j->uuid;
	j->spec.dest_uri = j->dest_uri;
	j->spec.data_uri = j->data_uri;
	j->spec.listen_address = j->listen_address;
	return j;
}

int
hv_migrate(struct ha_hv *hv, const struct ha_hv_migrate *spec,
	   uint64_t deadline_ms, struct ha_err *err)
{
	struct watch w = {
		.hv = hv,
		.j = job_new(spec),
		.spec = spec,
		.deadline_ms = deadline_ms,
		.end_ms = deadline_ms + HA_HV_ABORT_WAIT_MS,
		.looked_ms = ha_clock_now_ms(),
	};
	int rc;

	if (!w.j) {
		return hv_no_memory(err);
	}
	rc = hv_submit(hv, &w.j->job, err);
	if (rc == 0) {
		rc = watch(&w, err);
	}
	hv_put(hv, &w.j->job);
	hv_close(w.side);
	return rc;
}
