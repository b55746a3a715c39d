/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/restart: the scenario file, in which VMs are granted, come up,
 * fail and get ready on a clock of the file's own.
 */
#include <stdio.h>

#include "scn.h"

#include "ha/restart.h"

#define SCENARIOS "tests/scenarios/restart.scn"
#define VMS_MAX 80u
#define NEEDS_MAX 8u
#define NAME_MAX_ 24u
#define S_MS 1000u

struct world {
	const struct scn *scn;
	struct ha_restart_vm vms[VMS_MAX];
	char names[VMS_MAX][NAME_MAX_];
	size_t needs[VMS_MAX][NEEDS_MAX];
	char needs_text[VMS_MAX][NAME_MAX_ * 2];
	size_t count;
	struct ha_restart_rules rules;
	struct ha_restart_level_memory memory[HA_RESTART_PRIORITY_N];
	struct ha_restart_work work[VMS_MAX];
	struct ha_restart_verdict verdicts[VMS_MAX];
	struct ha_restart_sum sum;
	uint64_t now_ms;
};

/* Seconds with up to three decimals. */
static uint64_t
take_time(const char *text)
{
	char *end;
	uint64_t ms = strtoull(text, &end, 10) * S_MS;
	uint64_t unit_ms = S_MS / 10;

	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++) {
			ms += (uint64_t)(*end - '0') * unit_ms;
			unit_ms /= 10;
		}
	}
	return ms;
}

static size_t
find(const struct world *w, const char *name, size_t len)
{
	size_t i = 0;

	while (i < w->count && (strlen(w->names[i]) != len ||
				strncmp(w->names[i], name, len) != 0)) {
		i++;
	}
	return i;
}

static void
take_case(struct world *w, const struct scn *scn)
{
	const char *waits = scn_text(scn, "waits");
	const char *slots = scn_text(scn, "slots");
	const char *per = scn_text(scn, "per");

	memset(w, 0, sizeof(*w));
	w->scn = scn;
	w->rules =
		ha_restart_rules_default((uint32_t)scn_number(scn, "hosts", 1));
	if (slots) {
		w->rules.concurrent_max = (uint32_t)strtoul(slots, NULL, 10);
	}
	if (per) {
		w->rules.per_target_max = (uint32_t)strtoul(per, NULL, 10);
	}
	w->rules.attempts_max =
		(uint32_t)scn_number(scn, "attempts", HA_RESTART_ATTEMPTS_MAX);
	if (waits) {
		w->rules.wait_count = 0;
	}
	while (waits && *waits) {
		w->rules.waits_ms[w->rules.wait_count++] = take_time(waits);
		waits += strcspn(waits, ",");
		waits += *waits == ',';
	}
}

/* vm NAME[*N] PRIORITY ... */
static void
take_vm(struct world *w, const struct scn *scn)
{
	const char *name = scn->word[1];
	size_t len = strcspn(name, "*");
	unsigned long copies =
		name[len] ? strtoul(name + len + 1, NULL, 10) : 0;

	for (unsigned long i = 0; i < (copies ? copies : 1); i++) {
		struct ha_restart_vm *vm = &w->vms[w->count];
		const char *ready = scn_text(scn, "ready");
		const char *timeout = scn_text(scn, "timeout");
		const char *delay = scn_text(scn, "delay");
		const char *needs = scn_text(scn, "needs");

		assert_true(w->count < VMS_MAX);
		snprintf(w->names[w->count], NAME_MAX_, "%.*s", (int)len, name);
		if (copies) {
			snprintf(w->names[w->count], NAME_MAX_, "%.*s%lu",
				 (int)len, name, i);
		}
		snprintf(w->needs_text[w->count], sizeof(w->needs_text[0]),
			 "%s", needs ? needs : "");
		vm->name = w->names[w->count];
		assert_int_equal(ha_restart_priority_parse(scn->word[2],
							   &vm->priority, NULL),
				 0);
		if (ready) {
			assert_int_equal(
				ha_ready_parse(ready, &vm->ready, NULL), 0);
		}
		vm->target =
			(uint32_t)scn_number(scn, "on", HA_RESTART_NO_TARGET);
		vm->has_timeout = timeout;
		vm->timeout_ms = timeout ? take_time(timeout) : 0;
		vm->post_ready_ms = delay ? take_time(delay) : 0;
		vm->is_wanted = !scn_has(scn, "off");
		vm->has_room = !scn_has(scn, "full");
		vm->is_running = scn_has(scn, "up");
		w->count++;
	}
}

/* Names may stand before the VMs that they name. */
static void
link_needs(struct world *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const char *at = w->needs_text[i];

		w->vms[i].depends_on = w->needs[i];
		w->vms[i].depends_count = 0;
		while (*at) {
			size_t len = strcspn(at, ",");

			assert_true(w->vms[i].depends_count < NEEDS_MAX);
			w->needs[i][w->vms[i].depends_count++] =
				find(w, at, len);
			at += len;
			at += *at == ',';
		}
	}
}

static void
grant(struct world *w, struct ha_restart_vm *vm)
{
	vm->is_starting = true;
	vm->granted_ms = w->now_ms;
	vm->attempts++;
}

static void
go_down(struct world *w, struct ha_restart_vm *vm)
{
	vm->is_running = vm->is_starting = vm->is_ready = false;
	vm->failed_ms = w->now_ms;
}

static void
happen(struct world *w, const char *verb, struct ha_restart_vm *vm)
{
	bool was_running = vm->is_running;

	if (strcmp(verb, "grant") == 0) {
		grant(w, vm);
	} else if (strcmp(verb, "runs") == 0) {
		vm->is_starting = false;
		vm->is_running = true;
		vm->runs_since_ms = w->now_ms;
	} else if (strcmp(verb, "fails") == 0) { /* a start, or a crash */
		go_down(w, vm);
		vm->since_ms = was_running ? w->now_ms : vm->since_ms;
	} else if (strcmp(verb, "host-dies") == 0) {
		go_down(w, vm);
		vm->attempts = 0;
		vm->since_ms = w->now_ms;
	} else if (strcmp(verb, "ready") == 0) {
		vm->is_ready = true;
		vm->ready_since_ms = w->now_ms;
	} else if (strcmp(verb, "unready") == 0) {
		vm->is_ready = false;
	} else if (strcmp(verb, "stop") == 0) {
		vm->is_running = vm->is_starting = vm->is_wanted = false;
	} else if (strcmp(verb, "want") == 0) {
		vm->is_wanted = true;
		vm->since_ms = w->now_ms;
	} else if (strcmp(verb, "room") == 0) {
		vm->has_room = true;
	} else if (strcmp(verb, "full") == 0) {
		vm->has_room = false;
	} else if (strcmp(verb, "forget") == 0) {
		vm->attempts = 0;
	} else {
		fail_msg("%s:%u: no such event: %s", w->scn->path,
			 w->scn->line_no, verb);
	}
}

static void
judge(struct world *w)
{
	w->sum = ha_restart_judge(w->vms, w->count, &w->rules, w->now_ms,
				  w->memory, w->work, w->verdicts);
}

static void
take_event(struct world *w, const char *verb, const char *names)
{
	if (strcmp(names, "allowed") == 0) {
		judge(w);
		for (size_t i = 0; i < w->count; i++) {
			if (w->verdicts[i].why == HA_RESTART_MAY_START) {
				happen(w, verb, &w->vms[i]);
			}
		}
		return;
	}
	while (*names) {
		size_t len = strcspn(names, ",");
		size_t i = find(w, names, len);

		assert_true(i < w->count);
		happen(w, verb, &w->vms[i]);
		names += len;
		names += *names == ',';
	}
}

/* NAME=WHY[!FLAG][<BLOCKER][%TARGET][@DUE], in the form that was asked for. */
static void
check_vm(struct world *w, const char *want)
{
	size_t i = find(w, want, strcspn(want, "="));
	const struct ha_restart_verdict *v = &w->verdicts[i];
	char got[160];
	size_t at;

	if (i >= w->count) {
		fail_msg("%s:%u: %s", w->scn->path, w->scn->line_no, want);
	}
	at = (size_t)snprintf(
		got, sizeof(got), "%s=%s%s%s%s", w->names[i],
		ha_restart_why_name(v->why), v->is_stuck ? "!stuck" : "",
		v->is_overdue ? "!overdue" : "", v->is_over ? "!over" : "");
	if (strchr(want, '<')) {
		at += (size_t)snprintf(got + at, sizeof(got) - at, "<%s",
				       v->blocker < w->count ?
					       w->names[v->blocker] :
					       "nobody");
	}
	if (strchr(want, '%')) {
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%%%u",
				       v->target);
	}
	if (strchr(want, '@') && v->due_ms == HA_RESTART_NEVER) {
		snprintf(got + at, sizeof(got) - at, "@never");
	} else if (strchr(want, '@')) {
		snprintf(got + at, sizeof(got) - at, "@%llu",
			 (unsigned long long)(v->due_ms / S_MS));
	}
	scn_same(w->scn, got, want);
	if (v->why == HA_RESTART_WAITS_PRIORITY) {
		assert_int_equal(v->level, w->vms[v->blocker].priority);
	}
}

static void
check_line(struct world *w)
{
	const struct scn *scn = w->scn;
	uint64_t least_ms = HA_RESTART_NEVER;

	for (size_t i = scn->wants; i < scn->words; i++) {
		const char *want = scn->word[i];

		if (strncmp(want, "may-start:", 10) == 0) {
			assert_int_equal(w->sum.counts[HA_RESTART_MAY_START],
					 strtoul(want + 10, NULL, 10));
		} else {
			check_vm(w, want);
		}
	}
	for (size_t i = 0; i < w->count; i++) {
		if (w->verdicts[i].due_ms < least_ms) {
			least_ms = w->verdicts[i].due_ms;
		}
	}
	assert_true(w->sum.due_ms == least_ms);
	assert_true(least_ms > w->now_ms);
}

static void
scenarios(void **state)
{
	static struct world w;
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		if (strcmp(scn.word[0], "case") == 0) {
			take_case(&w, &scn);
		} else if (strcmp(scn.word[0], "vm") == 0) {
			take_vm(&w, &scn);
		} else {
			assert_int_equal(scn.word[0][0], '@');
			link_needs(&w);
			w.now_ms = take_time(scn.word[0] + 1);
			for (size_t i = 1; i + 1 < scn_given(&scn); i += 2) {
				take_event(&w, scn.word[i], scn.word[i + 1]);
			}
			judge(&w);
			if (scn.wants) {
				check_line(&w);
			}
		}
	}
	assert_true(scn.checks >= 90);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
