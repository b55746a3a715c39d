/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Can this host run the domain, and could it be moved away again? Runs the
 * checks in the worker (a stat() on a hung mount blocks like libvirt does)
 * and hands each finding to the caller in the caller's thread, those found
 * before a timeout included.
 */
#include "check.h"

#include <errno.h>
#include <libxml/parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ha/cleanup.h"

#define FINDINGS_MAX 256u /* more than these help nobody */

struct finding {
	int severity;
	char text[HA_ERR_TEXT];
};

struct check_job {
	struct hv_job job;
	char *xml;
	struct ha_domain domain;
	unsigned int n; /* under the handle's lock, as the findings are */
	struct finding findings[FINDINGS_MAX];
};

void
check_say(struct check *c, enum check_severity severity, const char *fmt, ...)
{
	struct check_job *j = c->job;
	va_list ap;

	pthread_mutex_lock(&c->hv->lock);
	if (j->n < FINDINGS_MAX) {
		struct finding *f = &j->findings[j->n++];

		f->severity = (int)severity;
		va_start(ap, fmt);
		vsnprintf(f->text, sizeof(f->text), fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&c->hv->lock);
}

void
check_each(struct check *c, const char *xpath,
	   void (*fn)(struct check *c, xmlNodePtr node))
{
	xmlXPathObjectPtr found =
		xmlXPathEvalExpression((const xmlChar *)xpath, c->xpath);

	for (int i = 0;
	     found && found->nodesetval && i < found->nodesetval->nodeNr; i++) {
		fn(c, found->nodesetval->nodeTab[i]);
	}
	xmlXPathFreeObject(found);
}

static char *
take(xmlChar *text)
{
	char *copy = text ? strdup((const char *)text) : NULL;

	xmlFree(text);
	return copy;
}

char *
check_attr(const xmlNode *node, const char *name)
{
	return take(xmlGetNoNsProp(node, (const xmlChar *)name));
}

char *
check_text(xmlNodePtr node)
{
	return take(xmlNodeGetContent(node));
}

char *
check_value(struct check *c, const char *xpath)
{
	xmlXPathObjectPtr found =
		xmlXPathEvalExpression((const xmlChar *)xpath, c->xpath);
	char *value = NULL;

	if (found && found->nodesetval && found->nodesetval->nodeNr > 0) {
		value = check_text(found->nodesetval->nodeTab[0]);
	}
	xmlXPathFreeObject(found);
	return value;
}

bool
check_path(struct check *c, enum check_severity severity, const char *what,
	   const char *path, const char *advice)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		return true;
	}
	check_say(c, severity, "%s: %s: %s; %s", what, path, strerror(errno),
		  advice);
	return false;
}

static int
check_run(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	static void (*const checks[])(struct check *) = {
		check_machine,  check_definition, check_disks,  check_devices,
		check_networks, check_secrets,    check_config,
	};
	struct check_job *j = (struct check_job *)job;
	struct check c = {
		.hv = hv,
		.job = j,
		.conn = hv->conn,
		.xml = j->xml,
		.domain = &j->domain,
	};
	xmlDocPtr doc = xmlReadMemory(
		j->xml, (int)strlen(j->xml), "domain.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

	c.root = doc ? xmlDocGetRootElement(doc) : NULL;
	c.xpath = doc ? xmlXPathNewContext(doc) : NULL;
	if (!c.root || !c.xpath) {
		xmlFreeDoc(doc);
		return ha_err_set(err, -EINVAL,
				  "domain XML: not well-formed; try "
				  "virt-xml-validate");
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		/* Nobody listens any more. */
		if (hv_is_dead(hv)) {
			break;
		}
		checks[i](&c);
	}
	xmlXPathFreeContext(c.xpath);
	xmlFreeDoc(doc);
	return 0;
}

static void
check_release(struct hv_job *job)
{
	struct check_job *j = (struct check_job *)job;

	free(j->xml);
	free(j);
}

/* Copies one finding under the lock, so that report() runs without it. */
static bool
finding_get(struct ha_hv *hv, const struct check_job *j, unsigned int i,
	    struct finding *ret)
{
	bool has;

	pthread_mutex_lock(&hv->lock);
	has = i < j->n;
	if (has) {
		*ret = j->findings[i];
	}
	pthread_mutex_unlock(&hv->lock);
	return has;
}

int
hv_check_host(struct ha_hv *hv, const char *xml, uint64_t deadline_ms,
	      ha_hv_finding report, void *ctx, struct ha_err *err)
{
	struct check_job *j = calloc(1, sizeof(*j));
	struct finding finding;
	int rc;

	if (!j) {
		return hv_no_memory(err);
	}
	j->job.run = check_run;
	j->job.release = check_release;
	j->job.refs = 1;
	j->xml = strdup(xml);
	rc = j->xml ? ha_domain_parse(xml, strlen(xml), &j->domain, err) :
		      hv_no_memory(err);
	if (rc == 0) {
		rc = hv_call(hv, &j->job, deadline_ms, err);
	}
	for (unsigned int i = 0; finding_get(hv, j, i, &finding); i++) {
		report(ctx, finding.severity, finding.text);
	}
	hv_put(hv, &j->job);
	return rc;
}
