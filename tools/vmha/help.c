/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmha --help, of everything and of one command, from the tables. */
#include <string.h>

#include "vmha.h"

#define NAME_WIDTH 24
#define LINE_WIDTH 76u

static void
put_wrapped(const char *text, unsigned int indent, unsigned int used, FILE *out)
{
	vmha_put_wrapped(text, indent, used, LINE_WIDTH, out);
}

static void
put_exits(FILE *out)
{
	size_t count;
	const struct vmha_exit_text *exits = vmha_exit_texts(&count);

	fputs("\nExit codes:\n", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "  %-4d", (int)exits[i].code);
		put_wrapped(exits[i].text, 6, 6, out);
	}
}

static bool
is_below(const char *name, const char *words)
{
	size_t len = strlen(words);

	return len == 0 || (strncmp(name, words, len) == 0 && name[len] == ' ');
}

static void
put_commands(const char *words, FILE *out)
{
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);

	fputs("\nCommands:\n", out);
	for (size_t i = 0; i < count; i++) {
		if (is_below(command[i].name, words)) {
			fprintf(out, "  %-*s", NAME_WIDTH, command[i].name);
			put_wrapped(command[i].summary, NAME_WIDTH + 2,
				    NAME_WIDTH + 2, out);
		}
	}
}

void
vmha_help(FILE *out)
{
	fputs("usage: vmha COMMAND [OPTIONS] [ARGUMENTS]\n"
	      "       vmha COMMAND --help\n"
	      "       vmha --help | --version\n",
	      out);
	put_commands("", out);
	put_exits(out);
}

void
vmha_help_command(const char *words, FILE *out)
{
	const struct vmha_option *options = vmha_options();
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);
	size_t i = 0;

	while (i < count && strcmp(command[i].name, words) != 0) {
		i++;
	}
	if (i == count) {
		fprintf(out, "usage: vmha %s COMMAND [OPTIONS] [ARGUMENTS]\n",
			words);
		put_commands(words, out);
		return;
	}
	fprintf(out, "usage: vmha %s [OPTIONS]%s%s\n\n", command[i].name,
		command[i].usage[0] ? " " : "", command[i].usage);
	put_wrapped(command[i].summary, 0, 0, out);
	fputc('\n', out);
	put_wrapped(command[i].text, 0, 0, out);
	fputs("\nOptions:\n", out);
	for (unsigned int id = 0; id < OPT_N; id++) {
		char name[64];

		if (!(command[i].options >> id & 1)) {
			continue;
		}
		snprintf(name, sizeof(name), "--%s%s%s", options[id].name,
			 options[id].value ? "=" : "",
			 options[id].value ? options[id].value : "");
		fprintf(out, "  %-*s", NAME_WIDTH, name);
		put_wrapped(options[id].text, NAME_WIDTH + 2, NAME_WIDTH + 2,
			    out);
	}
}
