/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two questions about an active domain's virtio channels: does its guest agent
 * answer, and where is the host's end of a channel of that name. libvirt alone
 * holds the agent's channel, so it is the one to ask; it gives up by itself
 * when an agent stays silent. Neither question changes the domain.
 */
#include <errno.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "hv.h"

#define PING "{\"execute\":\"guest-ping\"}"
/* libvirt counts in seconds, and syncs with the agent before, 5 s at most. */
#define PING_WAIT_S 2

static int
ping_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(hv->conn, j->uuid, NULL, &dom, err);
	char *answer;

	if (rc < 0) {
		return rc;
	}
	answer = virDomainQemuAgentCommand(dom, PING, PING_WAIT_S, 0);
	if (!answer) {
		virErrorPtr error = virGetLastError();

		/* libvirt's word for a domain without an agent's channel. */
		if (error && error->code == VIR_ERR_ARGUMENT_UNSUPPORTED) {
			return ha_err_set(err, -ENODEV, "%s", error->message);
		}
		return hv_error(err, j->uuid, "guest-ping");
	}
	free(answer);
	return 0;
}

/* ---- where a channel ends ------------------------------------------------ */

static const xmlNode *
child_of(const xmlNode *node, const char *name)
{
	const xmlNode *child = node ? node->children : NULL;

	while (child && (child->type != XML_ELEMENT_NODE ||
			 strcmp((const char *)child->name, name) != 0)) {
		child = child->next;
	}
	return child;
}

static bool
has_value(const xmlNode *node, const char *name, const char *value)
{
	xmlChar *found =
		node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
	bool is = found && strcmp((const char *)found, value) == 0;

	xmlFree(found);
	return is;
}

static int
take_path(const xmlNode *channel, struct hv_domain_job *j, struct ha_err *err)
{
	const xmlNode *source = child_of(channel, "source");
	xmlChar *path =
		source ? xmlGetNoNsProp(source, (const xmlChar *)"path") : NULL;
	int rc = -ENODEV;

	if (path && has_value(channel, "type", "unix") &&
	    has_value(source, "mode", "bind") &&
	    ha_text_copy(j->path, sizeof(j->path), (const char *)path) >= 0) {
		rc = 0;
	}
	xmlFree(path);
	return rc == 0 ? 0 :
			 ha_err_set(err, rc,
				    "channel %s is no unix socket of QEMU's: "
				    "give it type='unix' in the domain XML",
				    j->name);
}

static int
find_channel(const xmlNode *devices, struct hv_domain_job *j,
	     struct ha_err *err)
{
	const xmlNode *node = devices ? devices->children : NULL;

	for (; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE &&
		    strcmp((const char *)node->name, "channel") == 0 &&
		    has_value(child_of(node, "target"), "name", j->name)) {
			return take_path(node, j, err);
		}
	}
	return ha_err_set(err, -ENODEV, "the domain has no channel %s",
			  j->name);
}

static int
channel_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	struct hv_domain_job *j = (struct hv_domain_job *)job;
	hv_autodomain virDomainPtr dom = NULL;
	int rc = hv_domain_find(hv->conn, j->uuid, NULL, &dom, err);
	char *xml;
	xmlDoc *doc;

	if (rc < 0) {
		return rc;
	}
	if (virDomainIsActive(dom) != 1) {
		return ha_err_set(err, -ENOENT, "%s: not active", j->uuid);
	}
	xml = virDomainGetXMLDesc(dom, 0);
	if (!xml) {
		return hv_error(err, j->uuid, "read its XML");
	}
	doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
			    XML_PARSE_NONET | XML_PARSE_NOERROR |
				    XML_PARSE_NOWARNING);
	free(xml);
	if (!doc) {
		return ha_err_set(err, -EPROTO, "%s: libvirt's XML is none",
				  j->uuid);
	}
	rc = find_channel(child_of(xmlDocGetRootElement(doc), "devices"), j,
			  err);
	xmlFreeDoc(doc);
	return rc;
}

int
hv_ping_agent(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	      struct ha_err *err)
{
	return hv_domain_call(ping_run, hv, uuid, deadline_ms, err);
}

int
hv_channel_path(struct ha_hv *hv, const char *uuid, const char *channel,
		uint64_t deadline_ms, char ret_path[HA_HV_CHANNEL_PATH],
		struct ha_err *err)
{
	struct hv_domain_job *j = hv_domain_job_new(channel_run, uuid, channel);
	int rc;

	if (!j) {
		return hv_no_memory(err);
	}
	rc = hv_call(hv, &j->job, deadline_ms, err);
	if (rc == 0) {
		memcpy(ret_path, j->path, sizeof(j->path));
	}
	hv_put(hv, &j->job);
	return rc;
}
