/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes by Pacemaker's commands, refusals and progress (wait.h). */
#include "wait.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"

#define CHANGE_MS 30000u /* the CIB's own patience is 30 s */
#define NAME_MAX_BYTES 128u

int
wait_run(const char *const *argv, struct ha_err *err)
{
	ha_autofree char *out = NULL;
	int status = 0;
	int rc;

	vmha_step("waiting for", argv[0], CHANGE_MS + 10000);
	rc = vmha_run(argv, CHANGE_MS, &out, &status);

	if (rc == -ENOENT) {
		return ha_err_set(err, -EIO,
				  "%s is not installed: install Pacemaker's "
				  "command line tools",
				  argv[0]);
	}
	if (rc == -ETIMEDOUT) {
		return ha_err_set(err, rc,
				  "%s did not answer within 30 s; whether the "
				  "change was made is not known: look at it "
				  "before you say it again",
				  argv[0]);
	}
	if (rc < 0) {
		return ha_err_set(err, rc, "can't run %s: %s", argv[0],
				  strerror(-rc));
	}
	if (status != 0) {
		return ha_err_set(err, -EIO,
				  "%s failed with exit code %d; \"crm_error "
				  "-X %d\" tells what that is",
				  argv[0], status, status);
	}
	return 0;
}

int
wait_is_vm(const struct cib_node *cib, const char *vm,
	   const struct cib_node **ret_primitive, struct ha_err *err)
{
	const struct cib_node *primitive = cib_find(cib, "primitive", "id", vm);
	const struct cib_node *in;
	char agent[200];

	if (!primitive) {
		return ha_err_set(err, -ESRCH,
				  "Pacemaker has no resource %s; \"vmha vm "
				  "list\" names those that there are",
				  vm);
	}
	if (!cib_is_ours(cib, primitive, "VirtualMachine")) {
		return ha_err_set(
			err, -EPERM,
			"%s is %s, no ocf:vmha:VirtualMachine; \"crm "
			"resource\" is for it",
			vm, cib_agent(cib, primitive, agent, sizeof(agent)));
	}
	in = cib_container(primitive);
	if (in) {
		return ha_err_set(err, -EPERM,
				  "%s stands in %s %s: \"crm resource\" is for "
				  "that",
				  vm, in->name, cib_get(in, "id"));
	}
	*ret_primitive = primitive;
	return 0;
}

int
wait_is_ours(const struct cib_node *cib, const char *vm,
	     const struct cib_node **ret_primitive, struct ha_err *err)
{
	const struct cib_node *primitive;
	int rc = wait_is_vm(cib, vm, &primitive, err);

	if (rc < 0) {
		return rc;
	}
	if (!cib_is_managed(cib, primitive)) {
		return ha_err_set(err, -EPERM,
				  "%s is not managed by Pacemaker, which would "
				  "do nothing: crm resource manage %s, or end "
				  "the maintenance",
				  vm, vm);
	}
	*ret_primitive = primitive;
	return 0;
}

int
wait_has_quorum(const struct cib_node *cib, struct ha_err *err)
{
	return cib_is_quorate(cib) ?
		       0 :
		       ha_err_set(err, -EAGAIN,
				  "this cluster has no quorum: nothing is "
				  "written, since a minority's newer "
				  "configuration would win when it heals. Do "
				  "it on the side that has quorum");
}

int
wait_is_name(const char *name, struct ha_err *err)
{
	if (*name && *name != '-' && strlen(name) < NAME_MAX_BYTES &&
	    strcspn(name, "\"'<>&[]|/ \t\n") == strlen(name)) {
		return 0;
	}
	return ha_err_set(err, -EINVAL, "\"%s\" is no name", name);
}

void
wait_say(const struct vmha *v, const char *fmt, ...)
{
	va_list ap;

	if (v->args.is_json) {
		return;
	}
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	(void)fflush(stdout);
}

void
wait_say_new(const struct vmha *v, char *kept, const char *fmt, ...)
{
	char text[HA_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(kept, text) != 0) {
		memcpy(kept, text, sizeof(text));
		wait_say(v, "%s", text);
	}
}
