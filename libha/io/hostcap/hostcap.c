/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cores and their frequency, and memory. A core counts once, as with vSphere:
 * its second thread adds little. Its frequency is the one that it is sold
 * with, since turbo is not for all cores at once: base_frequency
 * (intel_pstate), nominal_freq (ACPI CPPC: AMD, Arm), else the highest
 * (cpuinfo_max_freq, turbo included). In a virtual machine there is none of
 * these: then the name of the model, or /proc/cpuinfo's "cpu MHz".
 */
#include "ha/hostcap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"

#define CPUS "/sys/devices/system/cpu"
#define LIST_BYTES 4096u    /* "0-3,8": of thousands of CPUs */
#define NUMBER_BYTES 64u    /* one number */
#define CPUINFO_BYTES 8192u /* the first CPU's part of it */
#define MEMINFO_BYTES 4096u /* MemTotal is its first line */
#define KHZ_PER_MHZ 1000u
#define KIB_PER_MIB 1024u
#define MHZ_PER_GHZ 1000u
#define MHZ_MAX 100000u /* more is none */

/* The first bytes of a file, with a NUL; their number or -errno. */
static ssize_t
read_head(const char *root, const char *path, char *ret_text, size_t size)
{
	char whole[PATH_MAX];
	ha_autoclose int fd = -1;
	size_t used = 0;

	if (snprintf(whole, sizeof(whole), "%s%s", root, path) >=
	    (int)sizeof(whole)) {
		return -ENAMETOOLONG;
	}
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	while (used < size - 1) {
		ssize_t n = read(fd, ret_text + used, size - 1 - used);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		used += (size_t)n;
	}
	ret_text[used] = '\0';
	return (ssize_t)used;
}

/* A number of one CPU's folder, divided; 0: not there, or absurd. */
static uint64_t
read_mhz(const char *root, unsigned long cpu, const char *file, uint64_t by)
{
	char path[NUMBER_BYTES + sizeof(CPUS)];
	char text[NUMBER_BYTES];
	uint64_t mhz;

	(void)snprintf(path, sizeof(path), CPUS "/cpu%lu/%s", cpu, file);
	if (read_head(root, path, text, sizeof(text)) <= 0 ||
	    !isdigit((unsigned char)text[0])) {
		return 0;
	}
	mhz = strtoull(text, NULL, 10) / by;
	return mhz > MHZ_MAX ? 0 : mhz;
}

static uint64_t
mhz_of(const char *root, unsigned long cpu)
{
	uint64_t mhz =
		read_mhz(root, cpu, "cpufreq/base_frequency", KHZ_PER_MHZ);

	if (mhz == 0) {
		mhz = read_mhz(root, cpu, "acpi_cppc/nominal_freq", 1);
	}
	if (mhz == 0) {
		mhz = read_mhz(root, cpu, "cpufreq/cpuinfo_max_freq",
			       KHZ_PER_MHZ);
	}
	return mhz;
}

/* The first thread of its core counts for it; the list has those online. */
static bool
is_first_thread(const char *root, unsigned long cpu)
{
	static const char *const FILES[] = { "core_cpus_list",
					     "thread_siblings_list" };
	char path[NUMBER_BYTES + sizeof(CPUS)];
	char text[LIST_BYTES];

	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		(void)snprintf(path, sizeof(path), CPUS "/cpu%lu/topology/%s",
			       cpu, FILES[i]);
		if (read_head(root, path, text, sizeof(text)) > 0 &&
		    isdigit((unsigned char)text[0])) {
			return strtoul(text, NULL, 10) == cpu;
		}
	}
	return true;
}

/* The text after "KEY<blanks>:<blanks>" of the first such line; NULL. */
static const char *
line_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (; text && *text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, key, len) == 0) {
			const char *at = text + len;

			at += strspn(at, " \t");
			if (*at == ':') {
				return at + 1 + strspn(at + 1, " \t");
			}
		}
	}
	return NULL;
}

/* "... CPU @ 2.40GHz": as it is sold. */
static uint64_t
mhz_of_model(const char *line)
{
	char name[NUMBER_BYTES * 2];
	const char *at;
	char *end = NULL;
	double ghz;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "\n"),
		       line);
	at = strstr(name, "@ ");
	if (!at || !isdigit((unsigned char)at[2])) {
		return 0;
	}
	ghz = strtod(at + 2, &end);
	return strncmp(end, "GHz", strlen("GHz")) == 0 &&
			       ghz * MHZ_PER_GHZ <= MHZ_MAX ?
		       (uint64_t)(ghz * MHZ_PER_GHZ + 0.5) :
		       0;
}

/* Of one core; 0: it tells none. */
static uint64_t
mhz_of_cpuinfo(const char *root, bool *ret_is_unsteady)
{
	char text[CPUINFO_BYTES];
	const char *line;
	uint64_t mhz = 0;

	if (read_head(root, "/proc/cpuinfo", text, sizeof(text)) <= 0) {
		return 0;
	}
	line = line_of(text, "model name");
	mhz = line ? mhz_of_model(line) : 0;
	line = line_of(text, "cpu MHz");
	if (mhz > 0 || !line || !isdigit((unsigned char)*line)) {
		return mhz;
	}
	*ret_is_unsteady = true;
	mhz = strtoull(line, NULL, 10);
	return mhz > MHZ_MAX ? 0 : mhz;
}

/* "0-3,8,10-11" */
static int
add_cores(const char *root, const char *list, struct ha_hostcap *cap)
{
	uint32_t without = 0;

	while (isdigit((unsigned char)*list)) {
		char *end = NULL;
		unsigned long first = strtoul(list, &end, 10);
		unsigned long last =
			*end == '-' ? strtoul(end + 1, &end, 10) : first;

		for (unsigned long cpu = first; cpu <= last; cpu++) {
			uint64_t mhz;

			if (!is_first_thread(root, cpu)) {
				continue;
			}
			mhz = mhz_of(root, cpu);
			cap->cores++;
			cap->cpu_mhz += mhz;
			without += mhz == 0;
		}
		list = *end == ',' ? end + 1 : end;
	}
	if (without > 0) {
		cap->cpu_mhz +=
			without * mhz_of_cpuinfo(root, &cap->is_unsteady);
	}
	return cap->cores > 0 ? 0 : -ENODATA;
}

int
ha_hostcap_read(const char *root, struct ha_hostcap *ret_cap,
		struct ha_err *err)
{
	struct ha_hostcap cap = { .cores = 0 };
	char list[LIST_BYTES];
	char text[MEMINFO_BYTES];
	const char *line;
	ssize_t n = read_head(root, CPUS "/online", list, sizeof(list));

	if (n < 0 || add_cores(root, list, &cap) < 0) {
		return ha_err_set(err, n < 0 ? (int)n : -ENODATA,
				  "can't tell this host's CPUs: %s%s/online %s",
				  root, CPUS,
				  n < 0 ? strerror((int)-n) : "lists none");
	}
	n = read_head(root, "/proc/meminfo", text, sizeof(text));
	line = n > 0 ? line_of(text, "MemTotal") : NULL;
	cap.memory_mb = line && isdigit((unsigned char)*line) ?
				strtoull(line, NULL, 10) / KIB_PER_MIB :
				0;
	if (cap.memory_mb == 0) {
		return ha_err_set(
			err, n < 0 ? (int)n : -ENODATA,
			"can't tell this host's memory: "
			"%s/proc/meminfo %s",
			root, n < 0 ? strerror((int)-n) : "has no MemTotal");
	}
	*ret_cap = cap;
	return 0;
}
