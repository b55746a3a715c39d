/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha(8), vmha-heartbeat(8) and vmha.conf(5), printed by the build. They
 * come from the tables that drive the command and the configuration.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "vmha.h"

#define HEARTBEAT "heartbeat "

/* Nothing in a text may act as a request or an escape; a hyphen stays one
 * that can be copied. */
static void
put_roff(const char *text, FILE *out)
{
	if (*text == '.' || *text == '\'') {
		fputs("\\&", out);
	}
	for (; *text; text++) {
		if (*text == '\\') {
			fputs("\\e", out);
		} else if (*text == '-') {
			fputs("\\-", out);
		} else {
			putc(*text, out);
		}
	}
}

static void
put_head(const char *title, int section, const char *name, const char *text,
	 FILE *out)
{
	fprintf(out,
		".\\\" Made by vmha --man; do not edit.\n"
		".TH %s %d \"\" \"vmha " VMHA_VERSION "\" \"vmha\"\n"
		".SH NAME\n",
		title, section);
	put_roff(name, out);
	fputs(" \\- ", out);
	put_roff(text, out);
	putc('\n', out);
}

static void
put_option(const struct vmha_option *option, FILE *out)
{
	fputs(".TP\n\\fB\\-\\-", out);
	put_roff(option->name, out);
	fputs("\\fR", out);
	if (option->value) {
		fputs("=\\fI", out);
		put_roff(option->value, out);
		fputs("\\fR", out);
	}
	putc('\n', out);
	put_roff(option->text, out);
	fputs(".\n", out);
}

static void
put_command(const struct vmha_command *command, FILE *out)
{
	const struct vmha_option *options = vmha_options();
	bool has_any = false;

	fputs(".SS ", out);
	put_roff(command->name, out);
	putc(' ', out);
	put_roff(command->usage, out);
	putc('\n', out);
	putc(toupper((unsigned char)command->summary[0]), out);
	put_roff(command->summary + 1, out);
	fputs(".\n.PP\n", out);
	put_roff(command->text, out);
	fputs("\n.PP\nOptions:", out);
	for (unsigned int id = 0; id < OPT_N; id++) {
		if (command->options >> id & 1) {
			fputs(has_any ? ",\n\\fB\\-\\-" : "\n\\fB\\-\\-", out);
			put_roff(options[id].name, out);
			fputs("\\fR", out);
			has_any = true;
		}
	}
	fputs(".\n", out);
}

static void
put_exits(FILE *out)
{
	size_t count;
	const struct vmha_exit_text *exits = vmha_exit_texts(&count);

	fputs(".SH EXIT STATUS\n", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, ".TP\n.B %d\n", (int)exits[i].code);
		put_roff(exits[i].text, out);
		fputs(".\n", out);
	}
}

static bool
is_on_page(const struct vmha_command *command, bool is_heartbeat)
{
	return (strncmp(command->name, HEARTBEAT, strlen(HEARTBEAT)) == 0) ==
	       is_heartbeat;
}

static void
put_commands(bool is_heartbeat, FILE *out)
{
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);
	const struct vmha_option *options = vmha_options();
	uint64_t used = 0;

	fputs(".SH COMMANDS\n", out);
	for (size_t i = 0; i < count; i++) {
		if (is_on_page(&command[i], is_heartbeat)) {
			put_command(&command[i], out);
			used |= command[i].options;
		}
	}
	fputs(".SH OPTIONS\n", out);
	for (unsigned int id = 0; id < OPT_N; id++) {
		if (used >> id & 1) {
			put_option(&options[id], out);
		}
	}
	put_exits(out);
}

static void
put_vmha(FILE *out)
{
	put_head("VMHA", 8, "vmha", "high availability of virtual machines",
		 out);
	fputs(".SH SYNOPSIS\n.B vmha\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
	      ".SH DESCRIPTION\n"
	      "Shows and manages what the heartbeat of a cluster's hosts and "
	      "their virtual machines\nneed. Policy of the cluster is set with "
	      "\n.BR crm (8)\nor\n.BR pcs (8).\n"
	      "The commands of the heartbeat datastores are in\n"
	      ".BR vmha\\-heartbeat (8).\n",
	      out);
	put_commands(false, out);
	fputs(".SH SEE ALSO\n.BR vmha\\-heartbeat (8),\n"
	      ".BR vmha\\-heartbeatd (8),\n.BR fence_vmha (8),\n"
	      ".BR vmha.conf (5)\n",
	      out);
}

static void
put_heartbeat(FILE *out)
{
	put_head("VMHA-HEARTBEAT", 8, "vmha-heartbeat",
		 "heartbeat datastores of a cluster", out);
	fputs(".SH SYNOPSIS\n.B vmha heartbeat\n\\fICOMMAND\\fR "
	      "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
	      ".SH DESCRIPTION\n"
	      "Each host writes its beat to the heartbeat datastores and pets "
	      "its watchdog only while\nits beats get through. Whoever reads "
	      "the same beat for as long as beat, watchdog and\ntolerance "
	      "together knows that the watchdog has reset the host. The times "
	      "stand in the\nsuperblock of each area and are the same for all "
	      "hosts.\n.PP\nThe order of setting up:\n.IP 1. 3\n"
	      "\\fBvmha heartbeat create \\-\\-write\\-conf\\fR "
	      "\\fIPATH...\\fR on one host.\n.IP 2.\n"
	      "Copy /etc/vmha/vmha.conf to all hosts.\n.IP 3.\n"
	      "\\fBvmha heartbeat check\\fR on each host.\n.IP 4.\n"
	      "Start vmha\\-heartbeatd on all hosts, then configure "
	      "fence_vmha.\n",
	      out);
	put_commands(true, out);
	fputs(".SH FILES\n.TP\n.I " HA_HBCONF_PATH "\n"
	      "Datastores and watchdog of this host.\n"
	      ".SH EXAMPLES\n.nf\n"
	      "vmha heartbeat create \\-\\-profile=fast \\-\\-write\\-conf "
	      "\\e\n"
	      "    /dev/mapper/hb1 /dev/mapper/hb2 /srv/nfs/hb3/area\n"
	      "vmha heartbeat watch\n"
	      "vmha heartbeat message node2 test\n"
	      ".fi\n"
	      ".SH SEE ALSO\n.BR vmha (8),\n.BR vmha\\-heartbeatd (8),\n"
	      ".BR fence_vmha (8),\n.BR vmha.conf (5)\n",
	      out);
}

static void
put_conf(FILE *out)
{
	size_t count;
	const struct ha_hbconf_key *key = ha_hbconf_keys(&count);

	put_head("VMHA.CONF", 5, "vmha.conf",
		 "what a host's heartbeat needs before Pacemaker runs", out);
	fputs(".SH SYNOPSIS\n.I " HA_HBCONF_PATH "\n.SH DESCRIPTION\n"
	      "A key file with the one section \\fB[heartbeat]\\fR: "
	      "\\fIkey\\fR=\\fIvalue\\fR lines, comments begin\nwith "
	      "\\(dq#\\(dq. Unknown keys are errors. It is the same on every "
	      "host, but for \\fBhost\\fR and\n\\fBwatchdog\\fR where these "
	      "differ. Times of the heartbeat are in the superblock of the "
	      "areas,\nsee\n.BR vmha\\-heartbeat (8);\n"
	      "everything else is configured in the cluster.\n"
	      ".SH KEYS\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		fputs(".TP\n.B ", out);
		put_roff(key[i].name, out);
		putc('\n', out);
		put_roff(key[i].text, out);
		fputs("\n.IP\nValue: ", out);
		put_roff(key[i].range, out);
		if (key[i].fallback && key[i].fallback[0]) {
			fputs("; default: ", out);
			put_roff(key[i].fallback, out);
		}
		fputs(".\n", out);
	}
	fputs(".SH EXAMPLE\n.nf\n[heartbeat]\n"
	      "datastores=/dev/mapper/hb1;/dev/mapper/hb2;/srv/nfs/hb3/area\n"
	      ".fi\n"
	      ".SH SEE ALSO\n.BR vmha\\-heartbeat (8),\n"
	      ".BR vmha\\-heartbeatd (8)\n",
	      out);
}

int
vmha_man(const char *page, FILE *out)
{
	if (strcmp(page, "vmha") == 0) {
		put_vmha(out);
	} else if (strcmp(page, "vmha-heartbeat") == 0) {
		put_heartbeat(out);
	} else if (strcmp(page, "vmha.conf") == 0) {
		put_conf(out);
	} else {
		return -EINVAL;
	}
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
