/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls one operation of the libvirt module, as an agent would, and prints
 * what came back and how long it took: the tests judge, this only reports.
 * With gate=1 it connects, prints "ready" and waits for a line on stdin, so
 * that a test can freeze libvirtd between the two.
 *
 * hv-driver MODULE OPERATION DEADLINE_MS [key=value]...
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/hypervisor.h"

#define OPEN_WAIT_MS 20000u
#define XML_MAX 65536u

static int n_args;
static char **args;

static const char *
arg(const char *key)
{
	size_t len = strlen(key);

	for (int i = 0; i < n_args; i++) {
		if (strncmp(args[i], key, len) == 0 && args[i][len] == '=') {
			return args[i] + len + 1;
		}
	}
	return NULL;
}

static uint64_t
arg_number(const char *key)
{
	const char *value = arg(key);

	return value ? strtoull(value, NULL, 10) : 0;
}

static const char *
xml_read(void)
{
	static char xml[XML_MAX];
	const char *path = arg("xml");
	ha_autofile FILE *f = path ? fopen(path, "re") : NULL;
	size_t n = f ? fread(xml, 1, sizeof(xml) - 1, f) : 0;

	xml[n] = '\0';
	return xml;
}

static void
print_dom(const struct ha_hv_dom *dom)
{
	printf("uuid=%s\nname=%s\nstate=%d\nreason=%d\npersistent=%d\n"
	       "autostart=%d\nmanaged_save=%d\nsnapshot=%d\nresource=%s\n",
	       dom->uuid, dom->name, (int)dom->state, (int)dom->reason,
	       dom->persistent, dom->autostart, dom->has_managed_save,
	       dom->has_external_snapshot, dom->resource);
}

static void
print_finding(void *ctx, int severity, const char *sentence)
{
	(void)ctx;
	printf("finding%d=%s\n", severity, sentence);
}

static int
do_lookup(const struct ha_hv_ops *ops, struct ha_hv *hv, uint64_t deadline_ms,
	  struct ha_err *err)
{
	struct ha_hv_dom dom = { 0 };
	int rc = ops->lookup(hv, arg("uuid"), arg("name"), deadline_ms, &dom,
			     err);

	if (rc == 0) {
		print_dom(&dom);
	}
	return rc;
}

static int
do_start(const struct ha_hv_ops *ops, struct ha_hv *hv, uint64_t deadline_ms,
	 struct ha_err *err)
{
	const struct ha_hv_start spec = {
		.xml = xml_read(),
		.resource = arg("resource"),
		.qmp_path = arg("qmp"),
	};
	char uuid[HA_UUID_TEXT];
	int rc = ops->start(hv, &spec, deadline_ms, uuid, err);

	if (rc == 0) {
		printf("uuid=%s\n", uuid);
	}
	return rc;
}

static int
do_migrate(const struct ha_hv_ops *ops, struct ha_hv *hv, uint64_t deadline_ms,
	   struct ha_err *err)
{
	struct ha_hv_migrate spec = {
		.uuid = arg("uuid"),
		.dest_uri = arg("dest"),
		.data_uri = arg("data"),
		.bandwidth_mibs = arg_number("bandwidth"),
		.downtime_ms = arg_number("downtime"),
		.postcopy = arg_number("postcopy") != 0,
	};
	const char *soft = arg("soft");

	if (arg("soft_ms")) {
		spec.soft_deadline_ms =
			ha_clock_now_ms() + arg_number("soft_ms");
	}
	if (soft && strcmp(soft, "suspend") == 0) {
		spec.soft_action = HA_HV_SOFT_SUSPEND;
	} else if (soft && strcmp(soft, "postcopy") == 0) {
		spec.soft_action = HA_HV_SOFT_POSTCOPY;
	}
	return ops->migrate(hv, &spec, deadline_ms, err);
}

static int
do_xml(const struct ha_hv_ops *ops, struct ha_hv *hv, uint64_t deadline_ms,
       struct ha_err *err)
{
	ha_autofree char *xml = NULL;
	int rc = ops->persistent_xml(hv, arg("uuid"), arg("name"), deadline_ms,
				     &xml, err);

	if (rc == 0) {
		printf("xml_bytes=%zu\n", strlen(xml));
	}
	return rc;
}

static int
do_channel(const struct ha_hv_ops *ops, struct ha_hv *hv, uint64_t deadline_ms,
	   struct ha_err *err)
{
	char path[HA_HV_CHANNEL_PATH];
	int rc = ops->channel_path(hv, arg("uuid"), arg("channel"), deadline_ms,
				   path, err);

	if (rc == 0) {
		printf("path=%s\n", path);
	}
	return rc;
}

static int
operate(const struct ha_hv_ops *ops, const char *op, struct ha_hv *hv,
	uint64_t deadline_ms, struct ha_err *err)
{
	if (strcmp(op, "lookup") == 0) {
		return do_lookup(ops, hv, deadline_ms, err);
	} else if (strcmp(op, "start") == 0) {
		return do_start(ops, hv, deadline_ms, err);
	} else if (strcmp(op, "migrate") == 0) {
		return do_migrate(ops, hv, deadline_ms, err);
	} else if (strcmp(op, "xml") == 0) {
		return do_xml(ops, hv, deadline_ms, err);
	} else if (strcmp(op, "shutdown") == 0) {
		return ops->shutdown_agent(hv, arg("uuid"), deadline_ms, err);
	} else if (strcmp(op, "resume") == 0) {
		return ops->resume(hv, arg("uuid"), deadline_ms, err);
	} else if (strcmp(op, "check") == 0) {
		return ops->check_host(hv, xml_read(), deadline_ms,
				       print_finding, NULL, err);
	} else if (strcmp(op, "ping") == 0) {
		return ops->ping_agent(hv, arg("uuid"), deadline_ms, err);
	} else if (strcmp(op, "channel") == 0) {
		return do_channel(ops, hv, deadline_ms, err);
	}
	return strcmp(op, "open") == 0 ? 0 : -ENOSYS;
}

static void
result(const char *what, int rc, uint64_t began_ms, const struct ha_err *err)
{
	printf("%s_rc=%s\n%s_ms=%llu\n", what, rc ? strerrorname_np(-rc) : "0",
	       what, (unsigned long long)(ha_clock_now_ms() - began_ms));
	if (rc) {
		printf("%s_text=%s\n", what, err->text);
	}
}

/* Opens and closes again; prints how many threads are left over. */
static void
reopen(const struct ha_hv_ops *ops, uint64_t times)
{
	ha_autofile FILE *f = NULL;
	char line[128];
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < times; i++) {
		struct ha_hv *hv = NULL;

		rc = ops->open(arg("uri"), ha_clock_now_ms() + OPEN_WAIT_MS,
			       &hv, NULL);
		ops->close(hv);
	}
	printf("reopen_rc=%d\n", rc);
	f = fopen("/proc/self/status", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Threads:", 8) == 0) {
			printf("threads=%ld\n", strtol(line + 8, NULL, 10));
		}
	}
}

int
main(int argc, char **argv)
{
	const struct ha_hv_ops *ops;
	struct ha_err err = HA_ERR_INIT;
	struct ha_hv *hv = NULL;
	uint64_t span_ms;
	uint64_t began_ms;
	void *module;
	char line[16];
	int rc;

	if (argc < 4) {
		return 2;
	}
	n_args = argc - 4;
	args = argv + 4;
	span_ms = strtoull(argv[3], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	ops = module ? dlsym(module, HA_HV_SYMBOL) : NULL;
	if (!ops || ops->abi != HA_HV_ABI) {
		printf("dlopen_text=%s\n", module ? "ABI" : dlerror());
		return 2;
	}
	began_ms = ha_clock_now_ms();
	rc = ops->open(arg("uri"),
		       began_ms + (strcmp(argv[2], "open") == 0 ? span_ms :
								  OPEN_WAIT_MS),
		       &hv, &err);
	result("open", rc, began_ms, &err);
	if (arg("gate")) {
		puts("ready");
		if (!fgets(line, sizeof(line), stdin)) {
			return 2;
		}
	}
	for (int i = 0; rc == 0 && i < (arg("twice") ? 2 : 1); i++) {
		began_ms = ha_clock_now_ms();
		result(i ? "again" : "op",
		       operate(ops, argv[2], hv, began_ms + span_ms, &err),
		       began_ms, &err);
	}
	began_ms = ha_clock_now_ms();
	ops->close(hv);
	result("close", 0, began_ms, &err);
	reopen(ops, arg_number("reopen"));
	dlclose(module);
	return 0;
}
