/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Creates a domain, paused. A create request that libvirtd has in its queue
 * can't be taken back; what makes it harmless after a timeout is that the
 * guest does not run until its creator says so, and that QEMU ends before it
 * runs when something else stands where its QMP socket belongs.
 */
#include <errno.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/domain.h"
#include "hv.h"

#define LEAVING_STEP_US 100000u /* between looks at one that is put away */

struct start_job {
	struct hv_job job;
	char *xml;
	char *resource;
	char *qmp_path;
	char *events_path; /* NULL: none */
	char name[HA_DOMAIN_NAME];
	char uuid[HA_UUID_TEXT];      /* of the XML, "" if none */
	char wish_uuid[HA_UUID_TEXT]; /* of the caller, "" if none */
	char ret_uuid[HA_UUID_TEXT];
};

static void
start_release(struct hv_job *job)
{
	struct start_job *j = (struct start_job *)job;

	free(j->xml);
	free(j->resource);
	free(j->qmp_path);
	free(j->events_path);
	free(j);
}

/* True when libvirt has an active domain by this key. */
static bool
is_active(virConnectPtr conn, const char *uuid, const char *name)
{
	hv_autodomain virDomainPtr dom = NULL;

	return !ha_text_is_empty(uuid ? uuid : name) &&
	       hv_domain_find(conn, uuid, name, &dom, NULL) == 0 &&
	       virDomainIsActive(dom) == 1;
}

/* A definition without <uuid> got one from libvirt when it was defined. */
static void
uuid_of_definition(virConnectPtr conn, struct start_job *j)
{
	hv_autodomain virDomainPtr dom = NULL;
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (j->uuid[0] || hv_domain_find(conn, NULL, j->name, &dom, NULL) < 0) {
		return;
	}
	if (virDomainGetUUIDString(dom, uuid) == 0) {
		(void)ha_text_copy(j->uuid, sizeof(j->uuid), uuid);
	}
}

static int
create_failed(virConnectPtr conn, const struct start_job *j, struct ha_err *err)
{
	int rc = hv_error(err, j->name, "start");

	if (rc == -ENOTCONN) {
		return rc;
	}
	if (is_active(conn, NULL, j->name) ||
	    (j->uuid[0] && is_active(conn, j->uuid, NULL))) {
		return ha_err_prefix(err, -EEXIST,
				     "an active domain of that name or uuid "
				     "exists on this host: ");
	}
	/* -EEXIST is reserved for the active one. */
	return rc == -EEXIST ? -EIO : rc;
}

/* The domain that ran before has ended, and libvirt is still putting it away:
 * a start that follows a stop closely meets that (seen once). */
static bool
is_leaving(void)
{
	virErrorPtr error = virGetLastError();

	return error && error->code == VIR_ERR_OPERATION_FAILED &&
	       error->message &&
	       strstr(error->message, "already being removed");
}

/* Tries again as long as the caller waits. */
static virDomainPtr
create(struct ha_hv *hv, const char *xml)
{
	virDomainPtr dom;

	while (!(dom = virDomainCreateXML(hv->conn, xml,
					  VIR_DOMAIN_START_PAUSED)) &&
	       is_leaving() && !hv_is_dead(hv)) {
		(void)usleep(LEAVING_STEP_US);
	}
	return dom;
}

static int
start_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct start_job *j = (struct start_job *)job;
	struct ha_hv_start spec = {
		.xml = j->xml,
		.resource = j->resource,
		.qmp_path = j->qmp_path,
		.events_path = j->events_path,
	};
	hv_autodomain virDomainPtr dom = NULL;
	ha_autofree char *xml = NULL;
	int rc;

	uuid_of_definition(hv->conn, j);
	if (!j->uuid[0]) {
		memcpy(j->uuid, j->wish_uuid, sizeof(j->uuid));
	}
	rc = hv_xml_for_start(&spec, j->uuid, &xml, err);
	if (rc < 0) {
		return rc;
	}
	if (hv_is_dead(hv)) {
		return -ETIMEDOUT;
	}
	dom = create(hv, xml);
	if (!dom) {
		return create_failed(hv->conn, j, err);
	}
	if (virDomainGetUUIDString(dom, j->ret_uuid) < 0) {
		return hv_error(err, j->name, "read its uuid");
	}
	return 0;
}

static int
job_fill(struct start_job *j, const struct ha_hv_start *spec,
	 struct ha_err *err)
{
	ha_autofree struct ha_domain *domain = malloc(sizeof(*domain));
	int rc;

	j->xml = strdup(spec->xml);
	j->resource = strdup(spec->resource);
	j->qmp_path = strdup(spec->qmp_path);
	j->events_path = spec->events_path ? strdup(spec->events_path) : NULL;
	if (!domain || !j->xml || !j->resource || !j->qmp_path ||
	    (spec->events_path && !j->events_path)) {
		return hv_no_memory(err);
	}
	rc = ha_domain_parse(spec->xml, strlen(spec->xml), domain, err);
	if (rc < 0) {
		return rc;
	}
	memcpy(j->name, domain->name, sizeof(j->name));
	memcpy(j->uuid, domain->uuid, sizeof(j->uuid));
	return spec->uuid ? ha_text_copy(j->wish_uuid, sizeof(j->wish_uuid),
					 spec->uuid) :
			    0;
}

int
hv_start(struct ha_hv *hv, const struct ha_hv_start *spec, uint64_t deadline_ms,
	 char ret_uuid[HA_UUID_TEXT], struct ha_err *err)
{
	struct start_job *j = calloc(1, sizeof(*j));
	int rc;

	if (!j) {
		return hv_no_memory(err);
	}
	j->job.run = start_run;
	j->job.release = start_release;
	j->job.refs = 1;
	rc = job_fill(j, spec, err);
	if (rc == 0) {
		rc = hv_call(hv, &j->job, deadline_ms, err);
	}
	if (rc == 0) {
		memcpy(ret_uuid, j->ret_uuid, sizeof(j->ret_uuid));
	}
	hv_put(hv, &j->job);
	return rc;
}
