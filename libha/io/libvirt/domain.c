/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt says about one domain, and the three requests that need
 * nothing but its name: shut down by the guest agent, resume, destroy. State,
 * flags and tag come from libvirtd's memory, not from QEMU's monitor, so that a
 * hung QEMU does not hold up a lookup.
 */
#include <errno.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "hv.h"

void
hv_autofree_domain(virDomainPtr *dom)
{
	if (*dom) {
		virDomainFree(*dom);
	}
}

int
hv_domain_find(virConnectPtr conn, const char *uuid, const char *name,
	       virDomainPtr *ret_dom, struct ha_err *err)
{
	const char *key = !ha_text_is_empty(uuid) ? uuid : name;
	virDomainPtr dom;

	if (ha_text_is_empty(key)) {
		return ha_err_set(err, -EINVAL,
				  "libvirt: neither uuid nor name given");
	}
	dom = key == uuid ? virDomainLookupByUUIDString(conn, key) :
			    virDomainLookupByName(conn, key);
	if (!dom) {
		return hv_error(err, key, "lookup");
	}
	*ret_dom = dom;
	return 0;
}

static void
domain_release(struct hv_job *job)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;

	free(j->uuid);
	free(j->name);
	free(j->xml);
	free(j);
}

struct hv_domain_job *
hv_domain_job_new(int (*run)(struct ha_hv *, struct hv_job *, struct ha_err *),
		  const char *uuid, const char *name)
{
	struct hv_domain_job *j = calloc(1, sizeof(*j));

	if (!j) {
		return NULL;
	}
	j->job.run = run;
	j->job.release = domain_release;
	j->job.refs = 1;
	j->uuid = uuid ? strdup(uuid) : NULL;
	j->name = name ? strdup(name) : NULL;
	if ((uuid && !j->uuid) || (name && !j->name)) {
		domain_release(&j->job);
		return NULL;
	}
	return j;
}

static enum ha_hv_state
state_of(int state)
{
	/* Not a switch over libvirt's enum: newer libraries have more. */
	switch (state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
		return HA_HV_RUNNING;
	case VIR_DOMAIN_PAUSED:
		return HA_HV_PAUSED;
	case VIR_DOMAIN_SHUTDOWN:
		return HA_HV_SHUTDOWN;
	case VIR_DOMAIN_SHUTOFF:
		return HA_HV_SHUTOFF;
	case VIR_DOMAIN_CRASHED:
		return HA_HV_CRASHED;
	case VIR_DOMAIN_PMSUSPENDED:
		return HA_HV_PMSUSPENDED;
	default:
		return HA_HV_NONE;
	}
}

static enum ha_hv_reason
paused_reason(int reason)
{
	switch (reason) {
	case VIR_DOMAIN_PAUSED_USER:
		return HA_HV_REASON_USER;
	case VIR_DOMAIN_PAUSED_MIGRATION:
		return HA_HV_REASON_MIGRATION;
	case VIR_DOMAIN_PAUSED_IOERROR:
		return HA_HV_REASON_IOERROR;
	case VIR_DOMAIN_PAUSED_WATCHDOG:
		return HA_HV_REASON_WATCHDOG;
	case VIR_DOMAIN_PAUSED_CRASHED:
		return HA_HV_REASON_CRASHED;
	case VIR_DOMAIN_PAUSED_STARTING_UP:
		return HA_HV_REASON_STARTING;
	case VIR_DOMAIN_PAUSED_POSTCOPY:
		return HA_HV_REASON_POSTCOPY;
	case VIR_DOMAIN_PAUSED_POSTCOPY_FAILED:
		return HA_HV_REASON_POSTCOPY_FAILED;
	case VIR_DOMAIN_PAUSED_SAVE:
	case VIR_DOMAIN_PAUSED_DUMP:
	case VIR_DOMAIN_PAUSED_FROM_SNAPSHOT:
	case VIR_DOMAIN_PAUSED_SNAPSHOT:
		return HA_HV_REASON_SAVE;
	default:
		return HA_HV_REASON_OTHER;
	}
}

static void
read_tag(virDomainPtr dom, struct ha_hv_dom *ret)
{
	/* Fails for an inactive domain and for one without our tag. */
	ha_autofree char *element =
		virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
				     HV_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE);

	ret->resource[0] = '\0';
	if (element) {
		hv_xml_tag(element, ret->resource, sizeof(ret->resource));
	}
}

static int
read_domain(virDomainPtr dom, struct ha_hv_dom *ret, struct ha_err *err)
{
	const char *name = virDomainGetName(dom);
	int state = VIR_DOMAIN_NOSTATE;
	int reason = 0;
	int autostart = 0;
	int rc;

	if (!name || ha_text_copy(ret->name, sizeof(ret->name), name) < 0) {
		return ha_err_set(err, -E2BIG,
				  "domain name longer than %zu bytes",
				  sizeof(ret->name) - 1);
	}
	if (virDomainGetUUIDString(dom, ret->uuid) < 0 ||
	    virDomainGetState(dom, &state, &reason, 0) < 0) {
		return hv_error(err, name, "read state");
	}
	ret->state = state_of(state);
	ret->reason = state == VIR_DOMAIN_PAUSED ? paused_reason(reason) :
						   HA_HV_REASON_OTHER;
	rc = virDomainIsPersistent(dom);
	if (rc < 0) {
		return hv_error(err, name, "read persistence");
	}
	ret->persistent = rc > 0;
	/* The rest exists for a defined domain only; for a transient one
	 * libvirt answers with an error that means no. */
	if (ret->persistent) {
		ret->autostart = virDomainGetAutostart(dom, &autostart) == 0 &&
				 autostart;
		ret->has_managed_save =
			virDomainHasManagedSaveImage(dom, 0) == 1;
	}
	ret->has_external_snapshot =
		virDomainSnapshotNum(dom, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL) >
		0;
	read_tag(dom, ret);
	return 0;
}

static int
lookup_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(hv->conn, j->uuid, j->name, &dom, err);

	return rc < 0 ? rc : read_domain(dom, &j->dom, err);
}

static int
persistent_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(hv->conn, j->uuid, j->name, &dom, err);
	const char *name;

	if (rc < 0) {
		return rc;
	}
	name = virDomainGetName(dom);
	rc = virDomainIsPersistent(dom);
	if (rc == 0) {
		return ha_err_set(err, -ENOENT,
				  "%s runs but is not defined on this host",
				  name);
	}
	if (rc > 0) {
		j->xml = virDomainGetXMLDesc(
			dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	}
	return j->xml ? 0 : hv_error(err, name, "read its XML");
}

static int
shutdown_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(hv->conn, j->uuid, NULL, &dom, err);
	const char *name;

	if (rc < 0) {
		return rc;
	}
	name = virDomainGetName(dom);
	if (hv_is_dead(hv)) {
		return -ETIMEDOUT;
	}
	if (virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) < 0) {
		return hv_error(err, name, "shutdown by the guest agent");
	}
	return 0;
}

/* Finds the domain of the job and does one thing to it. */
static int
do_to_domain(struct ha_hv *hv, struct hv_job *job, int (*what)(virDomainPtr),
	     const char *word, struct ha_err *err)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(hv->conn, j->uuid, NULL, &dom, err);
	const char *name;

	if (rc < 0) {
		return rc;
	}
	name = virDomainGetName(dom);
	if (virDomainIsActive(dom) == 0) {
		return ha_err_set(err, -ENOENT, "%s: not active", name);
	}
	if (hv_is_dead(hv)) {
		return -ETIMEDOUT;
	}
	return what(dom) < 0 ? hv_error(err, name, word) : 0;
}

static int
resume_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	return do_to_domain(hv, job, virDomainResume, "resume", err);
}

static int
destroy_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	return do_to_domain(hv, job, virDomainDestroy, "destroy", err);
}

int
hv_lookup(struct ha_hv *hv, const char *uuid, const char *name,
	  uint64_t deadline_ms, struct ha_hv_dom *ret_dom, struct ha_err *err)
{
	struct hv_domain_job *j = hv_domain_job_new(lookup_run, uuid, name);
	int rc;

	if (!j) {
		return hv_no_memory(err);
	}
	rc = hv_call(hv, &j->job, deadline_ms, err);
	if (rc == 0) {
		*ret_dom = j->dom;
	}
	hv_put(hv, &j->job);
	return rc;
}

int
hv_persistent_xml(struct ha_hv *hv, const char *uuid, const char *name,
		  uint64_t deadline_ms, char **ret_xml, struct ha_err *err)
{
	struct hv_domain_job *j = hv_domain_job_new(persistent_run, uuid, name);
	int rc;

	if (!j) {
		return hv_no_memory(err);
	}
	rc = hv_call(hv, &j->job, deadline_ms, err);
	if (rc == 0) {
		*ret_xml = ha_steal_ptr(&j->xml);
	}
	hv_put(hv, &j->job);
	return rc;
}

int
hv_domain_call(int (*run)(struct ha_hv *, struct hv_job *, struct ha_err *),
	       struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	       struct ha_err *err)
{
	struct hv_domain_job *j = hv_domain_job_new(run, uuid, NULL);
	int rc;

	if (!j) {
		return hv_no_memory(err);
	}
	rc = hv_call(hv, &j->job, deadline_ms, err);
	hv_put(hv, &j->job);
	return rc;
}

int
hv_shutdown_agent(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		  struct ha_err *err)
{
	return hv_domain_call(shutdown_run, hv, uuid, deadline_ms, err);
}

int
hv_resume(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	  struct ha_err *err)
{
	return hv_domain_call(resume_run, hv, uuid, deadline_ms, err);
}

int
hv_destroy(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	   struct ha_err *err)
{
	return hv_domain_call(destroy_run, hv, uuid, deadline_ms, err);
}
