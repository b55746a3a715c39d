/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/vmstate: the scenario file line by line, and every cell of the
 * whole fact space against the rules that must hold in all of them: "not
 * running" only when proven, doubt never healthy.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "ha/vmstate.h"

#define SCENARIOS "tests/scenarios/vmstate.scn"

static const char *const PROCESS[] = { "gone", "alive", "unknown" };
static const char *const LIBVIRT[HA_VM_LIBVIRT_N] = {
	"not-asked", "silent",   "no-domain",   "running",         "paused",
	"starting",  "io-error", "migration",   "postcopy-failed", "shutdown",
	"shutoff",   "crashed",  "pmsuspended",
};
static const char *const PHASE[HA_VM_PHASE_N] = {
	"none",
	"starting",
	"running",
	"outgoing",
};
static const char *const HEALTH[] = { "ok", "degraded", "failed", "off" };

static int
index_of(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0) {
			return (int)i;
		}
	}
	fail_msg("unknown word \"%s\"", word);
	return -1;
}

static void
take_fact(const char *word, struct ha_vm_facts *facts)
{
	if (strncmp(word, "qmp=", 4) == 0) {
		facts->qmp = strcmp(word + 4, "silent") == 0 ?
				     HA_VM_QMP_SILENT :
				     ha_vm_qmp_from_word(word + 4);
	} else if (strncmp(word, "libvirt=", 8) == 0) {
		facts->libvirt = (enum ha_vm_libvirt)index_of(
			LIBVIRT, N_ELEMENTS(LIBVIRT), word + 8);
	} else if (strncmp(word, "phase=", 6) == 0) {
		facts->phase = (enum ha_vm_phase)index_of(
			PHASE, N_ELEMENTS(PHASE), word + 6);
	} else if (strcmp(word, "pending") == 0) {
		facts->start_pending = true;
	} else if (strcmp(word, "libvirtd-down") == 0) {
		facts->libvirtd_down = true;
	} else if (strcmp(word, "off-is-wish") == 0) {
		facts->off_is_wish = true;
	} else {
		facts->process = (enum ha_vm_process)index_of(
			PROCESS, N_ELEMENTS(PROCESS), word);
	}
}

static void
scenarios(void **state)
{
	FILE *f = fopen(SCENARIOS, "r");
	unsigned int line_no = 0;
	unsigned int cases = 0;
	char line[256];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct ha_vm_facts facts = { .qmp = HA_VM_QMP_NOT_ASKED };
		enum ha_vm_state got;
		char *save = NULL;
		char *word;

		line_no++;
		if (line[0] == '#' || line[0] == '\n') {
			continue;
		}
		word = strtok_r(line, " \n", &save);
		for (; word && strcmp(word, "=>") != 0;
		     word = strtok_r(NULL, " \n", &save)) {
			take_fact(word, &facts);
		}
		got = ha_vm_state_judge(&facts);
		word = strtok_r(NULL, " \n", &save);
		if (!word || strcmp(word, ha_vm_state_word(got)) != 0) {
			fail_msg("%s:%u: got %s", SCENARIOS, line_no,
				 ha_vm_state_word(got));
		}
		word = strtok_r(NULL, " \n", &save);
		assert_non_null(word);
		if (strcmp(word, HEALTH[ha_vm_state_health(got, &facts)]) !=
		    0) {
			fail_msg("%s:%u: health %s", SCENARIOS, line_no,
				 HEALTH[ha_vm_state_health(got, &facts)]);
		}
		cases++;
	}
	fclose(f);
	assert_true(cases >= 50);
}

static bool
libvirt_sees_it(enum ha_vm_libvirt libvirt)
{
	switch (libvirt) {
	case HA_VM_LIBVIRT_RUNNING:
	case HA_VM_LIBVIRT_PAUSED:
	case HA_VM_LIBVIRT_PAUSED_STARTING:
	case HA_VM_LIBVIRT_PAUSED_IO_ERROR:
	case HA_VM_LIBVIRT_PAUSED_MIGRATION:
	case HA_VM_LIBVIRT_PAUSED_POSTCOPY_FAILED:
	case HA_VM_LIBVIRT_PMSUSPENDED:
		return true;
	case HA_VM_LIBVIRT_NOT_ASKED:
	case HA_VM_LIBVIRT_SILENT:
	case HA_VM_LIBVIRT_NO_DOMAIN:
	case HA_VM_LIBVIRT_SHUTDOWN:
	case HA_VM_LIBVIRT_SHUTOFF:
	case HA_VM_LIBVIRT_CRASHED:
	case HA_VM_LIBVIRT_N:
		break;
	}
	return false;
}

static void
check_cell(const struct ha_vm_facts *f)
{
	enum ha_vm_state got = ha_vm_state_judge(f);
	enum ha_vm_health health = ha_vm_state_health(got, f);
	bool proven_off = f->process == HA_VM_PROCESS_GONE &&
			  !f->start_pending && !libvirt_sees_it(f->libvirt);

	assert_in_range(got, 0, HA_VM_STATE_N - 1);
	assert_non_null(ha_vm_state_text(got));
	/* Off if and only if proven; any doubt about the process is failed. */
	assert_int_equal(got == HA_VM_NOT_RUNNING, proven_off);
	assert_int_equal(health == HA_VM_HEALTH_OFF, proven_off);
	if (f->process != HA_VM_PROCESS_ALIVE && !proven_off) {
		assert_int_equal(health, HA_VM_HEALTH_FAILED);
	}
	/* A dead libvirtd never makes a healthy VM worse than degraded, and
	 * never leaves it looking entirely well. */
	if (f->libvirtd_down) {
		struct ha_vm_facts up = *f;

		up.libvirtd_down = false;
		assert_int_not_equal(health, HA_VM_HEALTH_OK);
		if (ha_vm_state_health(got, &up) == HA_VM_HEALTH_OK) {
			assert_int_equal(health, HA_VM_HEALTH_DEGRADED);
		}
	}
	/* The guest's wish to be off excuses its power off and nothing else. */
	if (f->off_is_wish) {
		struct ha_vm_facts no = *f;

		no.off_is_wish = false;
		assert_int_equal(ha_vm_state_judge(&no), got);
		assert_int_equal(health, got == HA_VM_SHUT_DOWN ?
						 HA_VM_HEALTH_DEGRADED :
						 ha_vm_state_health(got, &no));
	}
	if (ha_vm_state_has_guest(got)) {
		assert_int_equal(f->process, HA_VM_PROCESS_ALIVE);
	}
}

static void
every_cell(void **state)
{
	unsigned int cells = 0;

	(void)state;
	for (unsigned int i = 0;
	     i < HA_VM_PROCESS_N * HA_VM_QMP_N * HA_VM_LIBVIRT_N *
			 HA_VM_PHASE_N * 8;
	     i++) {
		unsigned int rest = i;
		struct ha_vm_facts f;

		f.process = (enum ha_vm_process)(rest % HA_VM_PROCESS_N);
		rest /= HA_VM_PROCESS_N;
		f.qmp = (enum ha_vm_qmp)(rest % HA_VM_QMP_N);
		rest /= HA_VM_QMP_N;
		f.libvirt = (enum ha_vm_libvirt)(rest % HA_VM_LIBVIRT_N);
		rest /= HA_VM_LIBVIRT_N;
		f.phase = (enum ha_vm_phase)(rest % HA_VM_PHASE_N);
		rest /= HA_VM_PHASE_N;
		f.start_pending = rest & 1;
		f.libvirtd_down = rest & 2;
		f.off_is_wish = rest & 4;
		check_cell(&f);
		cells++;
	}
	assert_int_equal(cells, 3 * 20 * 13 * 4 * 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
		cmocka_unit_test(every_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
