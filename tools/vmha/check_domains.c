/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: what the domain XML of each VM needs, on this very host: config file,
 * disks, bridges and networks, the guest agent that its stop relies on, and
 * what a live migration would trip over. Each VM is looked at in a child
 * process, since a share may hang. Other hosts look for themselves (lacks.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/text.h"
#include "ha/worker.h"
#include "check.h"
#include "cib.h"
#include "check_domain.h"

#define DOMAIN_LOOK_MS 5000u /* one VM: its files may be on shares that hang */
#define HANGS_MAX 2u         /* then no other VM is looked at */
#define ANSWER_MAX 65536u    /* bytes: lines of findings of one VM */

static const char *
param(const struct cib_node *cib, const struct cib_node *vm, const char *name)
{
	const char *template = cib_get(vm, "template");
	const char *value = cib_nvpair(vm, name);

	if (!value && *template) {
		value = cib_nvpair(cib_find(cib, "template", "id", template),
				   name);
	}
	return value;
}

static bool
is_true(const char *value)
{
	bool is = false;

	return value && ha_text_bool(value, &is) == 0 && is;
}

/* This host may never run it. */
static bool
is_banned(const struct cib_node *cib, const char *vm, const char *host)
{
	const struct cib_node *at = NULL;

	while ((at = cib_next(cib, at, "rsc_location"))) {
		if (strcmp(cib_get(at, "rsc"), vm) == 0 &&
		    strcmp(cib_get(at, "node"), host) == 0 &&
		    strcasecmp(cib_get(at, "score"), "-INFINITY") == 0) {
			return true;
		}
	}
	return false;
}

static enum vmha_level
level_of(const char *word)
{
	return strcmp(word, check_level_name(CHECK_BAD)) == 0 ? CHECK_BAD :
								CHECK_WARN;
}

/* LEVEL, what, limit, what to do, value: by tabs, a line each. */
static unsigned int
take_lines(struct check *c, char *text)
{
	unsigned int count = 0;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *field[5] = { line };
		size_t n = 1;

		for (char *at = line; *at && n < 5; at++) {
			if (*at == '\t') {
				*at = '\0';
				field[n++] = at + 1;
			}
		}
		if (n == 5) {
			count++;
			check_add(c, level_of(field[0]), field[1], field[2],
				  field[3], "%s", field[4]);
		}
	}
	return count;
}

static void
look_at(struct check *c, const struct cib_node *cib, const struct cib_node *vm,
	struct check_looked *looked)
{
	const char *mode = param(cib, vm, "shutdown_mode");
	struct check_domain domain = {
		.vm = cib_get(vm, "id"),
		.config = param(cib, vm, "config"),
		.shutdown_mode = mode ? mode : "agent-acpi",
		.may_migrate = is_true(cib_meta(cib, vm, "allow-migrate")),
		.is_unsafe_allowed =
			is_true(param(cib, vm, "migration_unsafe")),
	};
	uint32_t bad = c->count[CHECK_BAD];
	char *text = NULL;
	size_t len = 0;
	int rc;

	if (!domain.config) {
		looked->without++;
		return;
	}
	rc = ha_worker_run(check_domain_look, &domain, ANSWER_MAX,
			   ha_clock_now_ms() + DOMAIN_LOOK_MS, &text, &len);
	looked->vms++;
	if (rc == 0) {
		looked->findings += take_lines(c, text);
		looked->lacking += c->count[CHECK_BAD] > bad;
		free(text);
		return;
	}
	looked->lacking++;
	looked->findings++;
	looked->hangs += rc == -ETIMEDOUT;
	check_add(c, CHECK_BAD, "VM config", "can be read on this host",
		  rc == -ETIMEDOUT ?
			  "its file system, or that of a disk, does not answer "
			  "on this host: mend the mount" :
			  "mount its share on this host, or correct the "
			  "parameter config",
		  "%s: %s: %s", domain.vm, domain.config, strerror(-rc));
}

void
check_domains(struct check *c, const struct cib_node *cib,
	      struct check_looked *looked)
{
	const struct cib_node *vm = NULL;
	struct utsname uts = { .nodename = "this host" };

	(void)uname(&uts);
	while ((vm = cib_next_vm(cib, vm)) && looked->hangs < HANGS_MAX) {
		if (!is_banned(cib, cib_get(vm, "id"), uts.nodename)) {
			look_at(c, cib, vm, looked);
		}
	}
	if (vm) {
		check_add(c, CHECK_WARN, "VMs here", "all looked at",
			  "run it again when the shares answer",
			  "not looked at, from %s on: shares hang",
			  cib_get(vm, "id"));
	} else if (looked->vms > 0 && looked->findings == 0) {
		check_add(c, CHECK_OK, "VMs here", "what they need is here", "",
			  "%u VMs, on %s", looked->vms, uts.nodename);
	}
	if (looked->without > 0) {
		check_add(c, CHECK_OK, "VMs here", "information", "",
			  "%u VMs are defined in libvirt and have no parameter "
			  "config: not looked at",
			  looked->without);
	}
}
