/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: Pacemaker's properties, by cibadmin. Pacemaker 3.0.2 has new names
 * for the old ones; both are understood. Without a running Pacemaker there
 * is one line that says so. Resources and gates are in check_gates.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"
#include "check.h"
#include "cib.h"

#define STONITH_TIMEOUT_MS 60000u /* Pacemaker's default */
#define STONITH_EXTRA_BEATS 3u /* docs/TIMEOUTS.md: T (1 + rho) + 3 B + 10 s */
#define STONITH_RESERVE_MS 10000u

/* False: not set. */
static bool
property(const struct cib_node *config, const char *name, char *ret_value,
	 size_t size)
{
	const char *value = cib_nvpair(config, name);

	if (value) {
		snprintf(ret_value, size, "%s", value);
	}
	return value != NULL;
}

/* The new name of Pacemaker 3.0.2, else the old one. */
static bool
either(const struct cib_node *config, const char *rest, char *ret_value,
       size_t size)
{
	char name[64];

	snprintf(name, sizeof(name), "fencing-%s", rest);
	if (property(config, name, ret_value, size)) {
		return true;
	}
	snprintf(name, sizeof(name), "stonith-%s", rest);
	return property(config, name, ret_value, size);
}

static void
check_enabled(struct check *c, const struct cib_node *config)
{
	char value[64] = "true";
	bool is_on = true;

	(void)either(config, "enabled", value, sizeof(value));
	(void)ha_text_bool(value, &is_on);
	check_add(c, is_on ? CHECK_OK : CHECK_BAD, "stonith-enabled", "true",
		  is_on ? "" :
			  "crm configure property stonith-enabled=true: "
			  "without fencing a VM can run twice",
		  "%s", value);
}

static void
check_timeout(struct check *c, const struct cib_node *config)
{
	const struct ha_superblock *sb = check_sb(c);
	char value[64] = "60s (default)";
	char limit[64];
	char todo[128] = "";
	uint64_t least_ms;
	uint64_t ms = STONITH_TIMEOUT_MS;
	bool is_enough;

	if (!sb) {
		return;
	}
	if (either(config, "timeout", value, sizeof(value)) &&
	    ha_text_duration_ms(value, &ms) < 0) {
		check_add(c, CHECK_BAD, "stonith-timeout", "a time",
			  "crm configure property stonith-timeout=60s", "%s",
			  value);
		return;
	}
	least_ms = ha_timing_silence_ms(&sb->timing) +
		   STONITH_EXTRA_BEATS * (uint64_t)sb->timing.beat_ms +
		   STONITH_RESERVE_MS;
	is_enough = ms >= least_ms;
	snprintf(limit, sizeof(limit), "at least %" PRIu64 " s",
		 (least_ms + 999) / 1000);
	if (!is_enough) {
		snprintf(todo, sizeof(todo),
			 "crm configure property stonith-timeout=%" PRIu64
			 "s: Pacemaker gives up while the agent still counts",
			 (least_ms + 999) / 1000);
	}
	check_add(c, is_enough ? CHECK_OK : CHECK_BAD, "stonith-timeout", limit,
		  todo, "%s", value);
}

static void
check_watchdog_timeout(struct check *c, const struct cib_node *config)
{
	char value[64] = "not set";
	bool is_set = either(config, "watchdog-timeout", value, sizeof(value));
	uint64_t ms = 0;
	bool is_off =
		!is_set || (ha_text_duration_ms(value, &ms) == 0 && ms == 0);

	check_add(c, is_off ? CHECK_OK : CHECK_BAD, "stonith-watchdog-timeout",
		  "not set, or 0",
		  is_off ? "" :
			   "crm configure property stonith-watchdog-timeout=0: "
			   "Pacemaker would assume a death that nobody has "
			   "proven",
		  "%s", value);
}

/* fence_vmha fails while nothing is knowable (storage away, planned work):
 * Pacemaker counts that, and would not ask again when it is. */
static void
check_attempts(struct check *c, const struct cib_node *config)
{
	char value[64] = "10 (default)";
	bool is_endless;

	(void)either(config, "max-attempts", value, sizeof(value));
	is_endless = strcmp(value, "INFINITY") == 0;
	check_add(c, is_endless ? CHECK_OK : CHECK_WARN, "stonith-max-attempts",
		  "INFINITY",
		  is_endless ?
			  "" :
			  "crm configure property "
			  "stonith-max-attempts=INFINITY: a host that dies "
			  "while the datastores are away stays unfenced "
			  "after they are back",
		  "%s", value);
}

static void
check_rest(struct check *c, const struct cib_node *config)
{
	char value[64];
	bool is_on = true;

	/* On by default from 2.1.0 on where the distribution says so, always
	 * from 3.0.0 on. */
	if (property(config, "concurrent-fencing", value, sizeof(value)) &&
	    ha_text_bool(value, &is_on) == 0) {
		check_add(c, is_on ? CHECK_OK : CHECK_WARN,
			  "concurrent-fencing", "true",
			  is_on ? "" :
				  "crm configure property "
				  "concurrent-fencing=true: two dead hosts are "
				  "proven one after the other",
			  "%s", value);
	} else {
		check_add(c, CHECK_OK, "concurrent-fencing", "true", "",
			  "not set");
	}
}

/* What a host that was cut off does with its VMs is isolation_response's to
 * say, and Pacemaker must not decide it first. */
static void
check_policy(struct check *c, const struct cib_node *cib)
{
	char value[64] = "stop (default)";
	const struct cib_node *config = cib_next(cib, NULL, "crm_config");
	bool has_gates = cib_next(cib, NULL, "rsc_ticket") != NULL;
	enum vmha_level level = CHECK_OK;
	const char *todo = "";

	(void)property(config, "no-quorum-policy", value, sizeof(value));
	if (strcmp(value, "ignore") == 0) {
		level = CHECK_BAD;
		todo = "crm configure property no-quorum-policy=freeze: with "
		       "ignore both sides of a cut act, and each starts what "
		       "the other has";
	} else if (strcmp(value, "freeze") != 0) {
		level = has_gates ? CHECK_BAD : CHECK_WARN;
		todo = "crm configure property no-quorum-policy=freeze: "
		       "otherwise Pacemaker ends the VMs of a host as soon as "
		       "it is cut off, although nothing is wrong with them";
	}
	check_add(c, level, "no-quorum-policy", "freeze", todo, "%s", value);
}

/* fence_vmha fails where nothing is provable: then another device decides. */
static void
check_levels(struct check *c, const struct cib_node *cib)
{
	const struct cib_node *at = NULL;
	unsigned int others = 0;
	unsigned int levels = 0;

	while ((at = cib_next(cib, at, "primitive"))) {
		others += strcmp(cib_get(at, "class"), "stonith") == 0 &&
			  strcmp(cib_get(at, "type"), "fence_vmha") != 0;
	}
	for (at = NULL; (at = cib_next(cib, at, "fencing-level"));) {
		levels++;
	}
	if (others == 0) {
		check_add(c, CHECK_WARN, "fencing levels",
			  "a second device behind fence_vmha",
			  "configure IPMI or a PDU as level 2 (crm configure "
			  "fencing_topology): where heartbeat can't prove a "
			  "death its VMs wait for a person",
			  "fence_vmha is the only device");
	} else if (levels == 0) {
		check_add(c, CHECK_WARN, "fencing levels",
			  "fence_vmha on level 1, others behind it",
			  "crm configure fencing_topology: without levels "
			  "Pacemaker chooses a device by its priority",
			  "%u other devices, no levels", others);
	} else {
		check_add(c, CHECK_OK, "fencing levels",
			  "fence_vmha on level 1, others behind it", "",
			  "%u levels, %u other devices", levels, others);
	}
}

static void
check_device(struct check *c, const struct cib_node *cib)
{
	bool is_there = cib_find(cib, "primitive", "type", "fence_vmha");

	check_add(c, is_there ? CHECK_OK : CHECK_WARN, "fence device",
		  "fence_vmha",
		  is_there ? "" :
			     "crm configure primitive fence-vmha "
			     "stonith:fence_vmha",
		  is_there ? "configured" : "none is fence_vmha");
	if (is_there) {
		check_levels(c, cib);
	}
}

void
check_pacemaker(struct check *c)
{
	struct cib_node *cib = NULL;
	const struct cib_node *config;
	struct ha_err err = HA_ERR_INIT;
	struct check_looked looked = { .vms = 0 };
	int rc = cib_read(&cib, &err);

	if (rc == -ENOENT) {
		check_add(c, CHECK_WARN, "Pacemaker", "cibadmin",
			  "install pacemaker's command line tools",
			  "not installed");
		return;
	}
	if (rc < 0) {
		check_add(c, CHECK_WARN, "Pacemaker", "answers",
			  "run this again when Pacemaker runs: its properties "
			  "are not checked",
			  "%s",
			  rc == -ETIMEDOUT ? "no answer within 5 s" :
			  rc == -ENOTCONN  ? "does not run" :
					     err.text);
		return;
	}
	config = cib_next(cib, NULL, "crm_config");
	check_enabled(c, config);
	check_timeout(c, config);
	check_watchdog_timeout(c, config);
	check_attempts(c, config);
	check_rest(c, config);
	check_policy(c, cib);
	check_device(c, cib);
	check_gates(c, cib);
	check_clone_params(c, cib);
	check_utilization(c, cib);
	check_domains(c, cib, &looked);
	check_elsewhere(c, cib);
	cib_free(cib);
}
