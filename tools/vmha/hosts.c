/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of hosts in status and watch: one column a datastore with the
 * age of the host's beat there, as a bar that is full when the age proves
 * the host silent. Bars take what the screen has left.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

#define STORES_MAX 5u
#define BAR_MAX 12u
#define BAR_MIN 3u    /* below that, no bar */
#define TITLE_MAX 12u /* of its characters */
#define FIXED 7u      /* columns beside those of the datastores */

/* Where the last part of the path begins that ends at `end`. */
static size_t
part_before(const char *path, size_t end)
{
	while (end > 0 && path[end - 1] != '/') {
		end--;
	}
	return end;
}

/* Files of one name in several directories are told apart by these. */
static bool
has_twin(const json_t *stores, size_t at, const char *name)
{
	const json_t *store;
	size_t i;

	json_array_foreach(stores, i, store)
	{
		const char *slash = strrchr(vmha_text(store, "path"), '/');

		if (i != at && slash && strcmp(slash + 1, name) == 0) {
			return true;
		}
	}
	return false;
}

void
vmha_store_title(const json_t *stores, size_t at, char *buffer, size_t size)
{
	const char *path = vmha_text(json_array_get(stores, at), "path");
	size_t end = strlen(path);
	size_t first = part_before(path, end);
	const char *dot;

	if (first > 1 && has_twin(stores, at, path + first)) {
		end = first - 1;
		first = part_before(path, end);
	}
	dot = memchr(path + first, '.', end - first);
	if (dot && dot != path + first) {
		end = (size_t)(dot - path);
	}
	if (end - first > TITLE_MAX) {
		first = end - TITLE_MAX;
	}
	snprintf(buffer, size, "%.*s", (int)(end - first), path + first);
}

void
vmha_table_beat(struct vmha_table *table, const struct vmha_screen *screen,
		const json_t *host, size_t store, int64_t silence_ms,
		unsigned int bar)
{
	const json_t *seen =
		json_array_get(json_object_get(host, "stores"), store);
	const char *state = vmha_text(host, "state");
	const char *verdict = vmha_text(seen, "verdict");
	int64_t age_ms = vmha_age(seen, "age_ms");
	bool is_over =
		strcmp(state, "stopped") == 0 || strcmp(state, "never") == 0;
	enum vmha_tone tone = TONE_GOOD;
	char drawn[64] = "";
	char age[32];

	if (strcmp(verdict, "ok") != 0) {
		vmha_table_add(table, is_over ? TONE_DIM : TONE_BAD, "%s",
			       verdict[0] ? verdict : "-");
		return;
	}
	if (age_ms < 0) {
		vmha_table_add(table, TONE_DIM, "-");
		return;
	}
	if (age_ms >= silence_ms) {
		tone = TONE_BAD;
	} else if (age_ms * 2 >= silence_ms) {
		tone = TONE_WARN;
	}
	if (bar >= BAR_MIN) {
		vmha_bar(screen, (uint64_t)age_ms, (uint64_t)silence_ms, bar,
			 drawn, sizeof(drawn));
	}
	vmha_table_add(table, is_over ? TONE_DIM : tone, "%s%s%s", drawn,
		       drawn[0] ? " " : "",
		       vmha_span((uint64_t)age_ms, age, sizeof(age)));
}

/* Corosync's word on whether it is there, its own on whether it is quorate. */
static void
put_member(struct vmha_table *table, const json_t *host)
{
	if (!vmha_bool(host, "member")) {
		vmha_table_add(table, TONE_DIM, "no");
	} else if (host_has_flag(host, "quorate")) {
		vmha_table_add(table, TONE_GOOD, "quorate");
	} else {
		vmha_table_add(table, TONE_WARN, "no quorum");
	}
}

static const char *
watchdog_word(const json_t *host, char *buffer, size_t size)
{
	const char *state = vmha_text(host, "beat_state");

	if (strcmp(state, "armed") != 0) {
		return strcmp(state, "standing-down") == 0 ? "disarmed" : "off";
	}
	snprintf(buffer, size, "%" PRId64 " s%s",
		 vmha_number(host, "watchdog_ms") / 1000,
		 host_has_flag(host, "softdog") ? " soft" : "");
	return buffer;
}

static void
put_host(struct vmha_table *table, const struct vmha_screen *screen,
	 const json_t *status, const json_t *host, unsigned int bar)
{
	const json_t *timing = json_object_get(status, "timing");
	size_t stores = json_array_size(json_object_get(status, "stores"));
	const char *state = vmha_text(host, "state");
	bool is_live = strcmp(state, "live") == 0 ||
		       strcmp(state, "late") == 0 ||
		       strcmp(state, "isolated") == 0 ||
		       strcmp(state, "partitioned") == 0;
	char words[64];
	char buffer[32];

	vmha_table_add(table, TONE_STRONG, "%s%s", vmha_text(host, "name"),
		       vmha_bool(host, "self") ? "*" : "");
	vmha_table_add(table, vmha_state_tone(state), "%s",
		       host_words(host, words, sizeof(words)));
	for (size_t i = 0; i < stores && i < STORES_MAX; i++) {
		vmha_table_beat(table, screen, host, i,
				vmha_number(timing, "silence_ms"), bar);
	}
	vmha_table_add(table, TONE_PLAIN, "%s",
		       is_live ? vmha_text(host, "evidence") : "-");
	vmha_table_add(table, TONE_PLAIN, "%s",
		       is_live ? watchdog_word(host, buffer, sizeof(buffer)) :
				 "-");
	put_member(table, host);
	vmha_table_add(table, TONE_PLAIN, "%" PRId64,
		       vmha_number(host, "list_count"));
}

/* Titles end in NULL; the datastores' names are in `names`. */
static void
titles_of(const json_t *status, const char **titles, char names[STORES_MAX][16])
{
	const json_t *stores = json_object_get(status, "stores");
	const json_t *store;
	size_t n = 0;
	size_t i;

	titles[n++] = "HOST";
	titles[n++] = "STATE";
	json_array_foreach(stores, i, store)
	{
		if (i < STORES_MAX) {
			vmha_store_title(stores, i, names[i], sizeof(names[i]));
			titles[n++] = names[i];
		}
	}
	titles[n++] = "EVIDENCE";
	titles[n++] = "WATCHDOG";
	titles[n++] = "MEMBER";
	titles[n++] = ">VMS";
	titles[n] = NULL;
}

static unsigned int
table_width(const struct vmha_table *table)
{
	unsigned int width[VMHA_COLUMNS_MAX] = { 0 };
	unsigned int sum = 0;

	for (unsigned int c = 0; c < table->columns; c++) {
		width[c] = vmha_text_width(table->titles[c]);
	}
	for (size_t i = 0; i < table->cells; i++) {
		unsigned int w = vmha_text_width(table->cell[i].text);
		unsigned int c = (unsigned int)(i % table->columns);

		width[c] = w > width[c] ? w : width[c];
	}
	for (unsigned int c = 0; c < table->columns; c++) {
		sum += width[c] + (c > 0 ? 2 : 0);
	}
	return sum;
}

void
vmha_put_hosts(const struct vmha *v, const json_t *status)
{
	const char *titles[STORES_MAX + FIXED];
	char names[STORES_MAX][16];
	struct vmha_table table;
	unsigned int bar = BAR_MAX;

	titles_of(status, titles, names);
	/* The widest bars that fit; none at last. */
	for (;; bar--) {
		const json_t *host;
		size_t i;

		vmha_table_init(&table, titles);
		json_array_foreach(json_object_get(status, "hosts"), i, host)
		{
			put_host(&table, &v->screen, status, host, bar);
		}
		if (bar < BAR_MIN || table_width(&table) <= v->screen.width) {
			break;
		}
		vmha_table_done(&table);
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}
