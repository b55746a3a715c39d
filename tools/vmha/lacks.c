/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each host lacks of what the VMs need: a missing disk, bridge or network
 * is found before a restart fails on it. Each host looks for itself
 * (vmha host check, run by its fault domain manager now and then) and tells it
 * by a node attribute, so that any host can show it: vmha-lacks, "N/ALL TEXT",
 * N VMs of ALL that it has looked at. Nothing is decided by it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "check.h"
#include "cib.h"
#include "lacks.h"

#define ATTRIBUTE "vmha-lacks"
#define TOLD_MAX 400u  /* characters of the attribute */
#define TELL_MS 10000u /* attrd_updater takes 30 ms */

struct lacks {
	unsigned int lacking, all;
	const char *text;
};

static bool
parse(const char *value, struct lacks *ret_lacks)
{
	int used = 0;

	if (!value ||
	    sscanf(value, "%u/%u%n", &ret_lacks->lacking, &ret_lacks->all,
		   &used) != 2 ||
	    used == 0) {
		return false;
	}
	ret_lacks->text = value + used + strspn(value + used, " ");
	return true;
}

static const char *
told_by(const struct cib_node *cib, const char *host)
{
	const struct cib_node *state =
		cib_find(cib, "node_state", "uname", host);
	const struct cib_node *own =
		state ? cib_child(state, "transient_attributes") : NULL;

	return own ? cib_nvpair(own, ATTRIBUTE) : NULL;
}

void
check_elsewhere(struct check *c, const struct cib_node *cib)
{
	const struct cib_node *nodes = cib_next(cib, NULL, "nodes");
	const struct cib_node *node = NULL;
	struct utsname uts = { .nodename = "" };

	(void)uname(&uts);
	while (nodes && (node = cib_next(nodes, node, "node"))) {
		const char *host = cib_get(node, "uname");
		enum cib_host is = cib_host(cib, host);
		struct lacks lacks;

		if (strcmp(host, uts.nodename) == 0 || is == CIB_HOST_OFFLINE ||
		    is == CIB_HOST_NONE) {
			continue;
		}
		if (!parse(told_by(cib, host), &lacks)) {
			check_add(c, CHECK_WARN, "VMs elsewhere",
				  "every host has what the VMs need",
				  "run \"vmha host check\" there; its fault "
				  "domain manager does it every ten minutes",
				  "%s: nothing is known yet", host);
		} else if (lacks.lacking > 0) {
			check_add(c, CHECK_BAD, "VMs elsewhere",
				  "every host has what the VMs need",
				  "run \"vmha host check\" there: it says what "
				  "to do",
				  "%s: %u of %u VMs lack something: %s", host,
				  lacks.lacking, lacks.all, lacks.text);
		} else {
			check_add(c, CHECK_OK, "VMs elsewhere",
				  "every host has what the VMs need", "",
				  "%s: %u VMs", host, lacks.all);
		}
	}
}

void
lacks_problems(const struct cib_node *cib, json_t *problems)
{
	const struct cib_node *state = NULL;

	while (cib && (state = cib_next(cib, state, "node_state"))) {
		const char *host = cib_get(state, "uname");
		struct lacks lacks;
		char text[TOLD_MAX + 200];

		if (!parse(told_by(cib, host), &lacks) || lacks.lacking == 0) {
			continue;
		}
		snprintf(text, sizeof(text),
			 "%s lacks what %u of %u VMs need: %s: vmha host check "
			 "on %s",
			 host, lacks.lacking, lacks.all, lacks.text, host);
		(void)json_array_append_new(problems, json_string(text));
	}
}

/* What is bad, one after the other, as far as it fits. */
static void
put_value(const struct check *c, const struct check_looked *looked,
	  char value[TOLD_MAX])
{
	int used = snprintf(value, TOLD_MAX, "%u/%u", looked->lacking,
			    looked->vms);
	bool is_first = true;

	for (uint32_t i = 0; i < c->findings; i++) {
		const struct finding *f = &c->finding[i];
		size_t room = TOLD_MAX - (size_t)used;
		int n;

		if (f->level != CHECK_BAD) {
			continue;
		}
		n = snprintf(value + used, room, "%s%s", is_first ? " " : "; ",
			     f->value);
		is_first = false;
		if (n < 0 || (size_t)n >= room) {
			strcpy(value + TOLD_MAX - sizeof(" ..."), " ...");
			break;
		}
		used += n;
	}
	/* Paths are anybody's: nothing that the CIB's XML can't hold. */
	for (char *at = value; *at; at++) {
		if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f) {
			*at = '?';
		}
	}
}

/* SAFETY 20: nothing is written without quorum. */
static int
tell(struct vmha *v, const struct cib_node *cib, const char *host,
     const char *value)
{
	const char *argv[] = { "attrd_updater", "--name", ATTRIBUTE,
			       "--update",      value,    NULL };
	const char *told = told_by(cib, host);
	char *out = NULL;
	int status = 0;
	int rc;

	if (!cib_is_quorate(cib) || (told && strcmp(told, value) == 0)) {
		return 0;
	}
	rc = vmha_run(argv, TELL_MS, &out, &status);
	free(out);
	if (rc == 0 && status != 0) {
		rc = -EIO;
	}
	if (rc < 0) {
		ha_err_set(&v->err, rc,
			   "attrd_updater could not write %s of %s: %s",
			   ATTRIBUTE, host, strerror(-rc));
	}
	return rc;
}

int
vmha_host_check(struct vmha *v)
{
	struct check *c = calloc(1, sizeof(*c));
	struct check_looked looked = { .vms = 0 };
	struct utsname uts = { .nodename = "" };
	struct cib_node *cib = NULL;
	char value[TOLD_MAX];
	int code = VMHA_OK;
	int rc;

	if (!c) {
		return vmha_fail_with(v, -ENOMEM, "no memory");
	}
	c->v = v;
	c->changes = json_array();
	(void)uname(&uts);
	rc = cib_read(&cib, &v->err);
	if (rc == 0) {
		check_domains(c, cib, &looked);
		put_value(c, &looked, value);
		rc = v->args.is_told ? tell(v, cib, uts.nodename, value) : 0;
	}
	if (rc < 0) {
		code = vmha_fail(v, rc);
	} else if (!v->args.is_told) {
		code = check_show(c);
		if (code == VMHA_OK && c->count[CHECK_BAD] > 0) {
			code = VMHA_FAILED;
		}
	}
	cib_free(cib);
	json_decref(c->changes);
	free(c);
	return code;
}
