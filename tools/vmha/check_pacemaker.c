/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: Pacemaker's properties, by cibadmin. Pacemaker 3.0.2 has new names
 * for the old ones; both are understood. Without a running Pacemaker there
 * is one line that says so.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "check.h"

#define CIB_MS 5000u /* cibadmin takes 30 ms; a CIB in election more */
#define CIB_DOWN 102 /* CRM_EX_DISCONNECT of crm/common/results.h */
#define STONITH_TIMEOUT_MS 60000u /* Pacemaker's default */
#define STONITH_EXTRA_BEATS 3u /* docs/TIMEOUTS.md: T (1 + rho) + 3 B + 10 s */
#define STONITH_RESERVE_MS 10000u

static void
unescape(char *text)
{
	static const struct {
		const char *name;
		char c;
	} NAMES[] = { { "&quot;", '"' },
		      { "&apos;", '\'' },
		      { "&lt;", '<' },
		      { "&gt;", '>' },
		      { "&amp;", '&' } };
	char *out = text;

	while (*text) {
		size_t i = 0;

		while (i < sizeof(NAMES) / sizeof(NAMES[0]) &&
		       strncmp(text, NAMES[i].name, strlen(NAMES[i].name)) !=
			       0) {
			i++;
		}
		if (i < sizeof(NAMES) / sizeof(NAMES[0])) {
			*out++ = NAMES[i].c;
			text += strlen(NAMES[i].name);
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Value of an attribute inside one element, which ends at `end`. libxml2
 * writes attributes with double quotes and escapes what is in them. */
static bool
attribute(const char *element, const char *end, const char *name, char *ret,
	  size_t size)
{
	char key[64];
	int n = snprintf(key, sizeof(key), " %s=\"", name);
	const char *at =
		memmem(element, (size_t)(end - element), key, (size_t)n);
	const char *quote;

	if (!at) {
		return false;
	}
	at += n;
	quote = memchr(at, '"', (size_t)(end - at));
	if (!quote || (size_t)(quote - at) >= size) {
		return false;
	}
	memcpy(ret, at, (size_t)(quote - at));
	ret[quote - at] = '\0';
	unescape(ret);
	return true;
}

/* A property of crm_config by its name; the first set is the one that
 * counts. */
static bool
property(const char *xml, const char *name, char *ret_value, size_t size)
{
	const char *at = xml;

	while ((at = strstr(at, "<nvpair"))) {
		const char *end = strchr(at, '>');
		char found[128];

		if (!end) {
			return false;
		}
		if (attribute(at, end, "name", found, sizeof(found)) &&
		    strcmp(found, name) == 0) {
			return attribute(at, end, "value", ret_value, size);
		}
		at = end;
	}
	return false;
}

/* The new name of Pacemaker 3.0.2, else the old one. */
static bool
either(const char *xml, const char *rest, char *ret_value, size_t size)
{
	char name[64];

	snprintf(name, sizeof(name), "fencing-%s", rest);
	if (property(xml, name, ret_value, size)) {
		return true;
	}
	snprintf(name, sizeof(name), "stonith-%s", rest);
	return property(xml, name, ret_value, size);
}

static void
check_enabled(struct check *c, const char *xml)
{
	char value[64] = "true";
	bool is_on = true;

	(void)either(xml, "enabled", value, sizeof(value));
	(void)ha_text_bool(value, &is_on);
	check_add(c, is_on ? CHECK_OK : CHECK_BAD, "stonith-enabled", "true",
		  is_on ? "" :
			  "crm configure property stonith-enabled=true: "
			  "without fencing a VM can run twice",
		  "%s", value);
}

static void
check_timeout(struct check *c, const char *xml)
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
	if (either(xml, "timeout", value, sizeof(value)) &&
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
check_watchdog_timeout(struct check *c, const char *xml)
{
	char value[64] = "not set";
	bool is_set = either(xml, "watchdog-timeout", value, sizeof(value));
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
check_attempts(struct check *c, const char *xml)
{
	char value[64] = "10 (default)";
	bool is_endless;

	(void)either(xml, "max-attempts", value, sizeof(value));
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
check_rest(struct check *c, const char *xml)
{
	char value[64];
	bool is_on = true;
	bool is_bad;

	/* On by default from 2.1.0 on where the distribution says so, always
	 * from 3.0.0 on. */
	if (property(xml, "concurrent-fencing", value, sizeof(value)) &&
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
	if (!property(xml, "no-quorum-policy", value, sizeof(value))) {
		snprintf(value, sizeof(value), "stop");
	}
	is_bad = strcmp(value, "ignore") == 0;
	check_add(c, is_bad ? CHECK_BAD : CHECK_OK, "no-quorum-policy",
		  "stop, freeze, demote or suicide",
		  is_bad ? "crm configure property no-quorum-policy=stop: a "
			   "host that was cut off would start VMs of the "
			   "others" :
			   "",
		  "%s", value);
}

static void
check_device(struct check *c, const char *xml)
{
	bool is_there = strstr(xml, "type=\"fence_vmha\"") != NULL;

	check_add(c, is_there ? CHECK_OK : CHECK_WARN, "fence device",
		  "fence_vmha",
		  is_there ? "" :
			     "crm configure primitive fence-vmha "
			     "stonith:fence_vmha",
		  is_there ? "configured" : "none is fence_vmha");
}

static int
query(const char *scope, char **ret_xml, int *ret_status)
{
	const char *const argv[] = { "cibadmin", "--query", "--scope", scope,
				     NULL };

	return vmha_run(argv, CIB_MS, ret_xml, ret_status);
}

void
check_pacemaker(struct check *c)
{
	ha_autofree char *config = NULL;
	ha_autofree char *resources = NULL;
	int status = 0;
	int rc;

	vmha_step("asking", "Pacemaker", 2 * (uint64_t)CIB_MS + 10000);
	rc = query("crm_config", &config, &status);
	if (rc == -ENOENT) {
		check_add(c, CHECK_WARN, "Pacemaker", "cibadmin",
			  "install pacemaker's command line tools",
			  "not installed");
		return;
	}
	if (rc < 0 || status != 0) {
		check_add(c, CHECK_WARN, "Pacemaker", "answers",
			  "run this again when Pacemaker runs: its properties "
			  "are not checked",
			  "%s",
			  rc == -ETIMEDOUT   ? "no answer within 5 s" :
			  status == CIB_DOWN ? "does not run" :
					       "can't be asked");
		return;
	}
	check_enabled(c, config);
	check_timeout(c, config);
	check_watchdog_timeout(c, config);
	check_attempts(c, config);
	check_rest(c, config);
	if (query("resources", &resources, &status) == 0 && status == 0) {
		check_device(c, resources);
	}
}
