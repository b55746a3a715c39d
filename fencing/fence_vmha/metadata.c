/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fence_vmha explains itself: metadata (valid by ClusterLabs' metadata.rng),
 * usage and man page, all out of the tables of options and actions.
 */
#include <stdio.h>
#include <string.h>

#include "fence_vmha/fence.h"

#define SHORT "fencing by evidence: storage heartbeat, watchdog and ring"
#define URL "https://example.org/vmha"

/* XML and roff take the same paragraphs. */
static const char *const LONG[] = {
	"fence_vmha reports a host as fenced when it is proven dead, and "
	"otherwise fails. It needs no power switch. Every host writes a beat "
	"to the heartbeat datastores, each second with the profile standard, and pets its "
	"watchdog only while these beats get through; a host whose beats have "
	"stood still for beat + watchdog + tolerance has been reset by its "
	"watchdog. The heartbeat daemon of the host on which Pacemaker runs "
	"this agent has usually seen this by the time it is asked.",
	"A host that left the cluster and still beats is cut off, not dead, and "
	"its VMs may run on. It seals itself: from then on no VM starts there. "
	"With live=hold (the default) the VMs on its list are held in its name, "
	"on the datastores and by their tickets, and it counts as fenced; "
	"nothing is reset. Whatever ends there may start elsewhere. This "
	"needs the fault domain manager (ocf:vmha:FaultDomain) and a gate for "
	"all that runs there (\"vmha vm add\"); without either the host is "
	"reset.",
	"A host that can't be held, and a member whose stop failed, is ordered, "
	"through the datastores, to reset itself, and is reported as fenced "
	"when its silence or its next incarnation proves that it did. No more "
	"than fence_limit orders an hour (vmha.conf) are given, so that a "
	"broken network can't reset one host after the other.",
	"It fails when nothing can be proven: this host is not quorate, can't "
	"write or read enough datastores, no watchdog guards the target, or "
	"\"vmha disarm\" is in force. Put a power fencing agent (fence_ipmilan "
	"or the like) on the next level of the fencing topology for these "
	"cases. A host that writes a crash dump is left to finish when "
	"fence_kdump stands on a level before this agent. With a later level, "
	"set after_hold=wait on this agent: an attempt that has just held VMs "
	"otherwise fails once on purpose, and the later level would switch "
	"the host off that was to live on.",
};
#define LONG_COUNT (sizeof(LONG) / sizeof(LONG[0]))

static void
put_xml(const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '&':
			fputs("&amp;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		default:
			putchar(*text);
		}
	}
}

static const char *
xml_type(enum fence_type type)
{
	switch (type) {
	case FENCE_SECONDS:
		return "second";
	case FENCE_BOOL:
		return "boolean";
	case FENCE_CHOICE:
		return "select";
	case FENCE_STRING:
	case FENCE_ACTION:
		return "string";
	}
	return "string";
}

static void
put_getopt(const struct fence_option *option)
{
	const char *value = option->type == FENCE_BOOL    ? "" :
			    option->type == FENCE_SECONDS ? "=SECONDS" :
			    option->type == FENCE_CHOICE  ? "=WORD" :
							    "=NAME";

	if (option->letter) {
		printf("-%c, ", option->letter);
	}
	printf("--%s%s", option->word, value);
}

/* The end of <content>. */
static void
put_choices(const struct fence_option *option)
{
	if (option->type != FENCE_CHOICE) {
		fputs(" />", stdout);
		return;
	}
	fputs(">", stdout);
	for (size_t i = 0; i < FENCE_CHOICES; i++) {
		printf("\n\t\t\t<option value=\"%s\" />", option->choices[i]);
	}
	fputs("\n\t\t</content>", stdout);
}

static void
put_parameter(const struct fence_option *option)
{
	printf("\t<parameter name=\"%s\" unique=\"0\" required=\"%d\"",
	       option->name, strcmp(option->name, "action") == 0);
	if (option->obsoletes) {
		printf(" obsoletes=\"%s\"", option->obsoletes);
	}
	fputs(">\n\t\t<getopt mixed=\"", stdout);
	put_getopt(option);
	printf("\" />\n\t\t<content type=\"%s\"", xml_type(option->type));
	if (option->fallback) {
		printf(" default=\"%s\"", option->fallback);
	}
	put_choices(option);
	fputs("\n\t\t<shortdesc lang=\"en\">", stdout);
	put_xml(option->text);
	fputs("</shortdesc>\n\t</parameter>\n", stdout);
}

int
fence_metadata(const struct fence_args *args)
{
	size_t count;
	const struct fence_option *options = fence_options(&count);
	const struct fence_action *actions;

	(void)args;
	fputs("<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_vmha\" "
	      "shortdesc=\"" SHORT "\">\n<longdesc>",
	      stdout);
	for (size_t i = 0; i < LONG_COUNT; i++) {
		fputs(i ? "\n\n" : "", stdout);
		put_xml(LONG[i]);
	}
	fputs("</longdesc>\n<vendor-url>" URL "</vendor-url>\n<parameters>\n",
	      stdout);
	for (size_t i = 0; i < count; i++) {
		if (!options[i].is_hidden) {
			put_parameter(&options[i]);
		}
	}
	fputs("</parameters>\n<actions>\n", stdout);
	actions = fence_actions(&count);
	for (size_t i = 0; i < count; i++) {
		/* "on" is no unfencing: nothing is closed while a host is
		 * away, so nothing has to be opened before it starts. */
		printf("\t<action name=\"%s\"%s />\n", actions[i].name,
		       strcmp(actions[i].name, "on") == 0 ? " automatic=\"0\"" :
							    "");
	}
	fputs("</actions>\n</resource-agent>\n", stdout);
	return FENCE_EXIT_OK;
}

void
fence_usage(FILE *out)
{
	size_t count;
	const struct fence_option *options = fence_options(&count);
	const struct fence_action *actions;

	fputs("fence_vmha: " SHORT "\n\n"
	      "usage: fence_vmha [options]\n"
	      "       or key=value lines on standard input\n\noptions:\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		if (options[i].is_hidden) {
			continue;
		}
		if (options[i].letter) {
			fprintf(out, "  -%c, ", options[i].letter);
		} else {
			fputs("      ", out);
		}
		fprintf(out, "--%s\n        %s\n", options[i].word,
			options[i].text);
	}
	fputs("\nactions:\n", out);
	actions = fence_actions(&count);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "  %-13s %s\n", actions[i].name, actions[i].text);
	}
}

/* Roff takes a hyphen for a typographic one unless told otherwise. */
static void
put_roff(const char *text)
{
	if (*text == '.' || *text == '\'') {
		fputs("\\&", stdout);
	}
	for (; *text; text++) {
		if (*text == '-') {
			fputs("\\-", stdout);
		} else if (*text == '\\') {
			fputs("\\e", stdout);
		} else {
			putchar(*text);
		}
	}
	putchar('\n');
}

static void
put_man_options(void)
{
	size_t count;
	const struct fence_option *options = fence_options(&count);

	fputs(".SH OPTIONS\nEach is also a key of a key=value line on standard "
	      "input (in parentheses).\n",
	      stdout);
	for (size_t i = 0; i < count; i++) {
		if (options[i].is_hidden) {
			continue;
		}
		fputs(".TP\n.B ", stdout);
		if (options[i].letter) {
			printf("\\-%c, ", options[i].letter);
		}
		fputs("\\-\\-", stdout);
		for (const char *c = options[i].word; *c; c++) {
			fputs(*c == '-' ? "\\-" : (char[]){ *c, '\0' }, stdout);
		}
		printf(" (%s)\n", options[i].name);
		put_roff(options[i].text);
	}
}

int
fence_manpage(const struct fence_args *args)
{
	size_t count;
	const struct fence_action *actions = fence_actions(&count);

	(void)args;
	printf(".\\\" Made by the agent's action \"manpage\"; do not edit.\n"
	       ".TH FENCE_VMHA 8 \"\" \"vmha %s\" \"Fence agents\"\n"
	       ".SH NAME\nfence_vmha \\- " SHORT "\n"
	       ".SH SYNOPSIS\n.B fence_vmha\n[\\fIoptions\\fR]\n"
	       ".SH DESCRIPTION\n",
	       VMHA_VERSION);
	for (size_t i = 0; i < LONG_COUNT; i++) {
		fputs(i ? ".PP\n" : "", stdout);
		put_roff(LONG[i]);
	}
	fputs(".SH ACTIONS\n", stdout);
	for (size_t i = 0; i < count; i++) {
		printf(".TP\n.B %s\n",
		       strcmp(actions[i].name, "list-status") == 0 ?
			       "list\\-status" :
		       strcmp(actions[i].name, "validate-all") == 0 ?
			       "validate\\-all" :
			       actions[i].name);
		put_roff(actions[i].text);
	}
	put_man_options();
	fputs(".SH EXAMPLES\nAs the only fencing:\n.PP\n.nf\n"
	      "crm configure primitive fence stonith:fence_vmha\n.fi\n.PP\n"
	      "With power fencing behind it, for what evidence can't prove:\n"
	      ".PP\n.nf\n"
	      "crm configure primitive fence stonith:fence_vmha "
	      "params after_hold=wait\n"
	      "crm configure primitive ipmi1 stonith:fence_ipmilan "
	      "params ip=10.0.0.1 ...\n"
	      "crm configure fencing_topology host1: fence ipmi1\n.fi\n"
	      ".SH \"EXIT STATUS\"\n0: done, or the host is on. 1: failed, or "
	      "not proven. 2: status of a host that is off.\n"
	      ".SH \"SEE ALSO\"\n.BR vmha\\-heartbeatd (8),\n"
	      ".BR vmha\\-heartbeat (8),\n.BR vmha.conf (5),\n"
	      ".BR crm (8)\n",
	      stdout);
	return FENCE_EXIT_OK;
}
