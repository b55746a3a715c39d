/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: what this host itself brings: its watchdog (looked at, never
 * opened), who else would hold it, sleep, kdump, its slot, its daemon.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "ha/watchdog.h"
#include "ask.h"
#include "check.h"

#define WATCHDOG_DEFAULT "/dev/watchdog"

static void
check_confirmed(struct check *c, uint64_t confirmed_ms, const char *where)
{
	const struct ha_superblock *sb = check_sb(c);
	char limit[64];

	if (!sb || confirmed_ms == 0) {
		return;
	}
	snprintf(limit, sizeof(limit), "at most %" PRIu32 " ms",
		 sb->timing.watchdog_ms);
	check_add(c,
		  confirmed_ms <= sb->timing.watchdog_ms ? CHECK_OK : CHECK_BAD,
		  "watchdog time-out", limit,
		  confirmed_ms <= sb->timing.watchdog_ms ?
			  "" :
			  "the device can't count so short: choose a slower "
			  "profile (check --fix --profile)",
		  "%" PRIu64 " ms by %s", confirmed_ms, where);
}

void
check_watchdog(struct check *c)
{
	const char *path = c->has_conf ? c->conf.watchdog : WATCHDOG_DEFAULT;
	const json_t *held = json_object_get(c->status, "watchdog");
	struct ha_watchdog watchdog = { .fd = -1 };
	struct ha_err err = HA_ERR_INIT;
	const char *identity;
	bool is_soft;

	if (ha_watchdog_look(path, &watchdog, &err) < 0) {
		check_add(c, CHECK_BAD, "watchdog", "a device of this host",
			  err.text, "%s", path);
		return;
	}
	/* The daemon has asked the device itself; sysfs may tell nothing. */
	identity = vmha_text(held, "identity")[0] ?
			   vmha_text(held, "identity") :
			   watchdog.identity;
	is_soft = watchdog.is_soft || vmha_bool(held, "soft");
	if (is_soft) {
		bool is_allowed = !c->has_conf || c->conf.allow_softdog;

		check_add(c, is_allowed ? CHECK_WARN : CHECK_BAD, "watchdog",
			  "hardware",
			  "softdog shares the kernel's fate: use the board's "
			  "watchdog (iTCO_wdt, sp5100_tco, ipmi_watchdog)",
			  "%s, %s%s", path, identity,
			  is_allowed ? "" : ", allow_softdog=false");
	} else {
		check_add(c, CHECK_OK, "watchdog", "hardware", "", "%s%s%s",
			  path, identity[0] ? ", " : "", identity);
	}
	if (held) {
		check_confirmed(c, (uint64_t)vmha_number(held, "timeout_ms"),
				"the daemon's watchdog");
	}
}

/* A process of that name; what it is called can't be hidden from root. */
static bool
is_running(const char *name)
{
	DIR *proc = opendir("/proc");
	const struct dirent *it;
	bool is_found = false;

	while (proc && !is_found && (it = readdir(proc))) {
		char path[300];
		char comm[32] = "";
		ha_autofile FILE *f = NULL;

		if (!isdigit((unsigned char)it->d_name[0])) {
			continue;
		}
		snprintf(path, sizeof(path), "/proc/%s/comm", it->d_name);
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f)) {
			comm[strcspn(comm, "\n")] = '\0';
			is_found = strcmp(comm, name) == 0;
		}
	}
	if (proc) {
		closedir(proc);
	}
	return is_found;
}

static void
check_sbd(struct check *c)
{
	static const char *const LINKS[] = {
		"/etc/systemd/system/corosync.service.requires/sbd.service",
		"/etc/systemd/system/pacemaker.service.requires/sbd.service",
	};
	bool is_enabled = false;

	for (size_t i = 0; i < sizeof(LINKS) / sizeof(LINKS[0]); i++) {
		is_enabled = is_enabled || access(LINKS[i], F_OK) == 0;
	}
	/* Its package enables it; without a configuration it does not run. */
	if (is_running("sbd")) {
		check_add(c, CHECK_BAD, "sbd", "not enabled",
			  "two daemons can't hold one watchdog: systemctl "
			  "disable sbd, and remove its fence devices",
			  "runs");
	} else if (is_enabled) {
		check_add(c, CHECK_WARN, "sbd", "not enabled",
			  "it would take the watchdog at the next boot: "
			  "systemctl disable sbd",
			  "enabled, does not run");
	} else {
		check_add(c, CHECK_OK, "sbd", "not enabled", "", "not enabled");
	}
}

/* systemctl mask makes a link to /dev/null. */
static bool
is_masked(const char *unit)
{
	char path[128];
	char target[16] = "";

	snprintf(path, sizeof(path), "/etc/systemd/system/%s", unit);
	return readlink(path, target, sizeof(target) - 1) > 0 &&
	       strcmp(target, "/dev/null") == 0;
}

static void
check_sleep(struct check *c)
{
	static const char *const UNITS[] = { "suspend.target",
					     "hibernate.target",
					     "hybrid-sleep.target" };
	bool is_all = true;

	if (access("/run/systemd/system", F_OK) < 0) {
		return;
	}
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		is_all = is_all && is_masked(UNITS[i]);
	}
	is_all = is_all || is_masked("sleep.target");
	check_add(c, is_all ? CHECK_OK : CHECK_WARN, "sleep", "masked",
		  is_all ? "" :
			   "a host that sleeps is reset or fenced: systemctl "
			   "mask sleep.target suspend.target hibernate.target "
			   "hybrid-sleep.target",
		  is_all ? "masked" : "possible");
}

static void
check_kdump(struct check *c)
{
	ha_autofile FILE *f = fopen("/sys/kernel/kexec_crash_loaded", "re");

	if (f && fgetc(f) == '1') {
		check_add(c, CHECK_WARN, "kdump", "petted, or fence_kdump",
			  "the watchdog resets the host in the middle of the "
			  "dump unless the kdump kernel has its driver; "
			  "fence_kdump as first level tells of the crash "
			  "sooner",
			  "loaded");
	}
}

static void
check_slot(struct check *c)
{
	char name[HA_HOST_NAME] = "";
	struct utsname uts;
	uint32_t slot;

	if (c->areas.count == 0 ||
	    c->areas.at[0]->table_verdict != HA_BLOCK_OK) {
		return;
	}
	if (c->has_conf && c->conf.host[0]) {
		(void)ha_text_copy(name, sizeof(name), c->conf.host);
	} else if (uname(&uts) == 0) {
		(void)ha_text_copy(name, sizeof(name), uts.nodename);
	}
	slot = ha_slot_find(&c->areas.at[0]->table, name);
	if (slot == HA_SLOT_NONE) {
		check_add(c, CHECK_BAD, "this host", "has a slot",
			  "vmha heartbeat add-host NAME, or host= in vmha.conf "
			  "where corosync calls it otherwise",
			  "%s has none", name);
	} else {
		check_add(c, CHECK_OK, "this host", "has a slot", "",
			  "%s, slot %" PRIu32, name, slot);
	}
}

static void
check_daemon(struct check *c)
{
	json_t *problems;
	const json_t *problem;
	size_t i;

	if (!c->status) {
		check_add(c, CHECK_WARN, "daemon", "answers",
			  "systemctl start vmha-heartbeatd, once nothing here "
			  "is bad",
			  "does not answer");
		return;
	}
	problems = vmha_problems(c->status);
	if (json_array_size(problems) == 0) {
		check_add(c, CHECK_OK, "daemon", "all is well", "",
			  "protects this host");
	}
	json_array_foreach(problems, i, problem)
	{
		check_add(c, CHECK_WARN, "daemon", "all is well",
			  "vmha heartbeat status", "%s",
			  json_string_value(problem));
	}
	json_decref(problems);
}

void
check_host(struct check *c)
{
	check_slot(c);
	check_daemon(c);
	check_sbd(c);
	check_sleep(c);
	check_kdump(c);
}
