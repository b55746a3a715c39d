/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha: the admin command. Finds the sub-command in the table, reads its
 * options, runs it under its deadline. What it prints and how it ends is in
 * vmha(8) and vmha-heartbeat(8), which come from the same table.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "events.h"
#include "vmha.h"

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	       strcmp(word, "help") == 0;
}

/* What begins with "vmha --". -1: something else. */
static int
run_special(int argc, char **argv)
{
	if (argc < 2) {
		vmha_help(stderr);
		return VMHA_USAGE;
	}
	if (is_help(argv[1])) {
		vmha_help(stdout);
		return VMHA_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("vmha " VMHA_VERSION);
		return VMHA_OK;
	}
	/* For the build. */
	if (strcmp(argv[1], "--man") == 0 && argc == 3) {
		return vmha_man(argv[2], stdout) < 0 ? VMHA_USAGE : VMHA_OK;
	}
	if (strcmp(argv[1], "--completion") == 0) {
		vmha_completion(stdout);
		return VMHA_OK;
	}
	if (strcmp(argv[1], "--events") == 0) {
		return events_page(stdout) < 0 ? VMHA_FAILED : VMHA_OK;
	}
	if (vmha_is_group(argv[1]) && (argc == 2 || is_help(argv[2]))) {
		vmha_help_command(argv[1], argc == 2 ? stderr : stdout);
		return argc == 2 ? VMHA_USAGE : VMHA_OK;
	}
	return -1;
}

static bool
wants_help(int argc, char **argv, int first)
{
	for (int i = first; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			return true;
		}
	}
	return false;
}

static int
usage_error(struct vmha *v)
{
	(void)vmha_fail(v, -EINVAL);
	return VMHA_USAGE;
}

int
main(int argc, char **argv)
{
	static struct vmha v;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int words = 0;
	int code = run_special(argc, argv);

	if (code >= 0) {
		return code;
	}
	v.command = vmha_command_find(argc - 1, argv + 1, &words, &v.err);
	if (!v.command) {
		return usage_error(&v);
	}
	if (wants_help(argc, argv, 1 + words)) {
		vmha_help_command(v.command->name, stdout);
		return VMHA_OK;
	}
	if (vmha_args_parse(&v, argc, argv, 1 + words) < 0) {
		return usage_error(&v);
	}
	/* "vmha ... | head" ends by a failed write, not by a signal that
	 * leaves an area half written. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	vmha_screen_look(&v.screen);
	code = vmha_supervise(&v);
	if (fflush(stdout) != 0 && code == VMHA_OK) {
		code = VMHA_FAILED;
	}
	return code;
}
