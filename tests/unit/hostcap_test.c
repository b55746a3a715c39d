/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host's CPU and memory, from folders that look like sysfs and procfs: each
 * source of the frequency, threads, CPUs and memory that come and go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "ha/cleanup.h"
#include "ha/hostcap.h"

#define CPU "/sys/devices/system/cpu"
#define PATH_BYTES 512

static char root[] = "/tmp/hostcap-XXXXXX";

static void
put(const char *path, const char *text)
{
	char whole[PATH_BYTES];
	ha_autofile FILE *f = NULL;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/'));
	     at++) {
		*at = '\0';
		(void)mkdir(whole, 0755);
		*at = '/';
	}
	f = fopen(whole, "we");
	assert_non_null(f);
	fputs(text, f);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/hostcap-XXXXXX");
	assert_non_null(mkdtemp(root));
	put(CPU "/online", "0-3\n");
	put("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
	return 0;
}

static int
teardown(void **state)
{
	char command[PATH_BYTES];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf -- '%s'", root);
	return system(command);
}

static struct ha_hostcap
look(void)
{
	struct ha_hostcap cap;
	struct ha_err err = HA_ERR_INIT;

	memset(&cap, 0x5a, sizeof(cap));
	assert_int_equal(ha_hostcap_read(root, &cap, &err), 0);
	return cap;
}

/* Four threads, two cores of two kinds. */
static void
threads(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), CPU "/cpu%d/topology/%s", i,
			 i < 2 ? "core_cpus_list" : "thread_siblings_list");
		put(path, i % 2 ? "1,3\n" : "0,2\n");
		snprintf(path, sizeof(path), CPU "/cpu%d/%s", i,
			 "cpufreq/base_frequency");
		put(path, i % 2 ? "1800000\n" : "2400000\n");
	}
	assert_int_equal(look().cores, 2);
	assert_int_equal(look().cpu_mhz, 4200);
	assert_int_equal(look().memory_mb, 16000);
	assert_false(look().is_unsteady);
	/* A core goes offline, and memory comes. */
	put(CPU "/online", "0,2\n");
	put("/proc/meminfo", "MemTotal: 16385023 kB\n");
	assert_int_equal(look().cores, 1);
	assert_int_equal(look().cpu_mhz, 2400);
	assert_int_equal(look().memory_mb, 16000);
	put("/proc/meminfo", "MemTotal: 16385024 kB\n");
	assert_int_equal(look().memory_mb, 16001);
}

static void
frequencies(void **state)
{
	(void)state;
	put(CPU "/online", "5\n");
	assert_int_equal(look().cpu_mhz, 0);
	put("/proc/cpuinfo", "processor : 0\nmodel name\t: AMD EPYC\n"
			     "cpu MHz\t\t: 2596.130\n");
	assert_int_equal(look().cpu_mhz, 2596);
	assert_true(look().is_unsteady);
	put("/proc/cpuinfo", "model name\t: Intel(R) Xeon(R) CPU @ 2.45GHz\n"
			     "cpu MHz\t\t: 800.000\n");
	assert_int_equal(look().cpu_mhz, 2450);
	assert_false(look().is_unsteady);
	put("/proc/cpuinfo", "model name\t: a CPU @ 2.45 of them\n"
			     "cpu MHz\t\t: 800.000\n");
	assert_int_equal(look().cpu_mhz, 800);
	put(CPU "/cpu5/cpufreq/cpuinfo_max_freq", "3700000\n");
	assert_int_equal(look().cpu_mhz, 3700);
	put(CPU "/cpu5/acpi_cppc/nominal_freq", "0\n");
	assert_int_equal(look().cpu_mhz, 3700);
	put(CPU "/cpu5/acpi_cppc/nominal_freq", "2300\n");
	assert_int_equal(look().cpu_mhz, 2300);
	put(CPU "/cpu5/cpufreq/base_frequency", "<unknown>\n");
	assert_int_equal(look().cpu_mhz, 2300);
	put(CPU "/cpu5/cpufreq/base_frequency", "99999999999999999999\n");
	assert_int_equal(look().cpu_mhz, 2300);
	put(CPU "/cpu5/cpufreq/base_frequency", "2100000\n");
	assert_int_equal(look().cpu_mhz, 2100);
}

/* CPUs that nobody pairs are cores of their own. */
static void
lists(void **state)
{
	(void)state;
	put(CPU "/online", "0,2-3,8\n");
	put(CPU "/cpu0/cpufreq/base_frequency", "1000000\n");
	put(CPU "/cpu2/cpufreq/base_frequency", "2000000\n");
	put(CPU "/cpu3/cpufreq/base_frequency", "4000000\n");
	put(CPU "/cpu8/cpufreq/base_frequency", "8000000\n");
	assert_int_equal(look().cores, 4);
	assert_int_equal(look().cpu_mhz, 15000);
}

static void
nothing(void **state)
{
	struct ha_hostcap cap;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	put("/proc/meminfo", "MemFree: 1 kB\n");
	assert_int_equal(ha_hostcap_read(root, &cap, &err), -ENODATA);
	assert_non_null(strstr(err.text, "no MemTotal"));
	put(CPU "/online", "\n");
	assert_int_equal(ha_hostcap_read(root, &cap, &err), -ENODATA);
	assert_non_null(strstr(err.text, "lists none"));
	assert_int_equal(ha_hostcap_read("/nowhere", &cap, &err), -ENOENT);
	assert_non_null(strstr(err.text, "CPUs"));
}

static void
this_machine(void **state)
{
	struct ha_hostcap cap;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha_hostcap_read("", &cap, &err), 0);
	assert_in_range(cap.cores, 1, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(cap.memory_mb <= (uint64_t)sysconf(_SC_PHYS_PAGES) *
					     (uint64_t)sysconf(_SC_PAGESIZE) >>
		    20);
	assert_true(cap.memory_mb > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads, setup, teardown),
		cmocka_unit_test_setup_teardown(frequencies, setup, teardown),
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing, setup, teardown),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
