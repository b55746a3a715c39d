/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat check: gathers what vmha.conf, datastores, corosync, the
 * daemon and Pacemaker say, has each part judged, and prints the findings.
 * It opens no watchdog: opening one arms it.
 */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

#define INDENT 24 /* of the value on a terminal */

const char *
check_level_name(enum vmha_level level)
{
	switch (level) {
	case CHECK_OK:
		return "ok";
	case CHECK_WARN:
		return "warn";
	case CHECK_BAD:
		return "bad";
	case CHECK_N:
		break;
	}
	return "?";
}

void
check_add(struct check *c, enum vmha_level level, const char *what,
	  const char *limit, const char *todo, const char *fmt, ...)
{
	struct finding *finding = &c->finding[c->findings];
	va_list ap;

	c->count[level]++;
	if (c->findings == FINDINGS_MAX) {
		c->lost++;
		return;
	}
	c->findings++;
	finding->level = level;
	snprintf(finding->what, sizeof(finding->what), "%s", what);
	snprintf(finding->limit, sizeof(finding->limit), "%s", limit);
	snprintf(finding->todo, sizeof(finding->todo), "%s", todo);
	va_start(ap, fmt);
	vsnprintf(finding->value, sizeof(finding->value), fmt, ap);
	va_end(ap);
}

const struct ha_superblock *
check_sb(const struct check *c)
{
	const struct ha_superblock *best = NULL;

	for (uint32_t i = 0; i < c->areas.count; i++) {
		const struct ha_superblock *sb = &c->areas.at[i]->sb;

		if (!best || sb->generation > best->generation) {
			best = sb;
		}
	}
	return best;
}

static void
gather_area(struct check *c, const char *path)
{
	struct vmha_area *area = NULL;
	struct ha_err err = HA_ERR_INIT;
	int rc = vmha_area_open(path, !c->v->args.is_fix, &area, &err);

	if (rc == 0 && area->verdict != HA_BLOCK_OK) {
		rc = vmha_area_refuse(area, &err);
	}
	if (rc == 0) {
		rc = vmha_area_load(area, &err);
	}
	if (rc < 0) {
		check_add(c, CHECK_BAD, "datastore", "an area that can be read",
			  err.text, "%s", path);
		vmha_area_close(area);
		c->is_all_open = false;
		return;
	}
	if (c->areas.count > 0 &&
	    memcmp(&area->sb.cluster, &c->areas.at[0]->sb.cluster,
		   sizeof(area->sb.cluster)) != 0) {
		check_add(c, CHECK_BAD, "datastore", "areas of one cluster",
			  "name only areas of this cluster in vmha.conf",
			  "%s is of cluster %s, %s of cluster %s", path,
			  area->sb.name, c->areas.at[0]->path,
			  c->areas.at[0]->sb.name);
		vmha_area_close(area);
		c->is_all_open = false;
		return;
	}
	c->areas.at[c->areas.count++] = area;
}

static void
gather(struct check *c)
{
	struct vmha *v = c->v;
	struct ha_err err = HA_ERR_INIT;
	int rc = vmha_conf_read(v, &c->conf, &err);

	c->has_conf = rc == 0;
	c->is_all_open = c->has_conf;
	if (rc < 0) {
		check_add(c, CHECK_BAD, "configuration", "can be read",
			  err.text, "%s", v->args.conf);
	} else {
		check_add(c, CHECK_OK, "configuration", "can be read", "", "%s",
			  v->args.conf);
	}
	for (uint32_t i = 0; c->has_conf && i < c->conf.stores; i++) {
		gather_area(c, c->conf.store[i]);
	}
	err.text[0] = '\0';
	c->has_cluster =
		vmha_cluster_config(v, &c->cluster, &c->source, &err) == 0;
	if (!c->has_cluster) {
		check_add(c, CHECK_BAD, "corosync", "runs, or has its file",
			  err.text, "not known");
	}
	if (vmha_ask_status(v, &c->status, NULL) < 0) {
		c->status = NULL;
	}
}

static json_t *
findings_json(const struct check *c)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < c->findings; i++) {
		const struct finding *f = &c->finding[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "level",
					check_level_name(f->level), "what",
					f->what, "value", f->value, "limit",
					f->limit, "todo", f->todo));
	}
	return list;
}

static const enum vmha_tone TONES[CHECK_N] = {
	[CHECK_OK] = TONE_GOOD,
	[CHECK_WARN] = TONE_WARN,
	[CHECK_BAD] = TONE_BAD,
};

/* One line a finding, columns far apart, for grep and awk. */
static void
put_lines(const struct check *c)
{
	static const char *const TITLES[] = { "",      "WHAT",       "VALUE",
					      "LIMIT", "WHAT TO DO", NULL };
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < c->findings; i++) {
		const struct finding *f = &c->finding[i];

		vmha_table_add(&table, TONES[f->level], "%s",
			       check_level_name(f->level));
		vmha_table_add(&table, TONE_PLAIN, "%s", f->what);
		vmha_table_add(&table, TONE_PLAIN, "%s", f->value);
		vmha_table_add(&table, TONE_DIM, "%s", f->limit);
		vmha_table_add(&table, TONE_PLAIN, "%s", f->todo);
	}
	vmha_table_print(&table, &c->v->screen, stdout);
	vmha_table_done(&table);
}

/* The same for eyes: limit and what to do below, where something is wrong. */
static void
put_pages(const struct check *c)
{
	const struct vmha_screen *screen = &c->v->screen;

	for (uint32_t i = 0; i < c->findings; i++) {
		const struct finding *f = &c->finding[i];

		printf("%s%-4s%s  %-16s  ",
		       vmha_tone_on(screen, TONES[f->level]),
		       check_level_name(f->level),
		       vmha_tone_off(screen, TONES[f->level]), f->what);
		vmha_put_wrapped(f->value, INDENT, INDENT, screen->width,
				 stdout);
		if (f->level != CHECK_OK) {
			printf("%*s%swanted: %s%s\n", INDENT, "",
			       vmha_tone_on(screen, TONE_DIM), f->limit,
			       vmha_tone_off(screen, TONE_DIM));
			printf("%*s", INDENT, "");
			vmha_put_wrapped(f->todo, INDENT, INDENT, screen->width,
					 stdout);
		}
	}
}

static void
put_findings(const struct check *c)
{
	if (c->v->screen.is_terminal) {
		put_pages(c);
	} else {
		put_lines(c);
	}
	printf("\n%u ok, %u to be looked at, %u bad%s.\n", c->count[CHECK_OK],
	       c->count[CHECK_WARN], c->count[CHECK_BAD],
	       c->lost ? " (some are not shown)" : "");
}

static void
judge(struct check *c)
{
	gather(c);
	check_stores(c);
	check_timing(c);
	check_watchdog(c);
	check_cluster(c);
	check_pacemaker(c);
	check_running(c);
	check_host(c);
}

static void
forget(struct check *c)
{
	vmha_areas_close(&c->areas);
	json_decref(c->status);
	c->status = NULL;
	c->findings = 0;
	c->lost = 0;
	memset(c->count, 0, sizeof(c->count));
}

int
check_show(struct check *c)
{
	struct vmha *v = c->v;
	const json_t *change;
	size_t i;

	if (v->args.is_json) {
		return vmha_json(v, json_pack("{s:o, s:i, s:i, s:i, s:O}",
					      "findings", findings_json(c),
					      "ok", (int)c->count[CHECK_OK],
					      "warn", (int)c->count[CHECK_WARN],
					      "bad", (int)c->count[CHECK_BAD],
					      "changes", c->changes));
	}
	json_array_foreach(c->changes, i, change)
	{
		printf("fixed  %s\n", json_string_value(change));
	}
	if (json_array_size(c->changes) > 0) {
		putchar('\n');
	} else if (v->args.is_fix) {
		puts("Nothing was found that --fix mends.\n");
	}
	put_findings(c);
	return VMHA_OK;
}

int
vmha_check(struct vmha *v)
{
	struct check *c = calloc(1, sizeof(*c));
	int code;
	int rc = 0;

	if (!c) {
		return vmha_fail_with(v, -ENOMEM, "no memory");
	}
	c->v = v;
	c->changes = json_array();
	judge(c);
	if (v->args.is_fix) {
		rc = check_fix(c);
		/* What was mended is judged as it is now. */
		forget(c);
		judge(c);
	}
	code = check_show(c);
	if (rc < 0) {
		code = vmha_fail(v, rc);
	} else if (code == VMHA_OK && c->count[CHECK_BAD] > 0) {
		code = VMHA_FAILED;
	}
	forget(c);
	json_decref(c->changes);
	free(c);
	return code;
}
