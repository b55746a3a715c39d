/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hidden manpage action: ocf_vmha_NAME(7), called by the build. The page
 * comes out of the same tables as the meta-data, so it can't go stale.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "ha/text.h"
#include "runtime/runtime.h"

/* Text as running roff: nothing in it may act as a request or an escape, and
 * an empty line becomes a paragraph, by the request given (.IP keeps the
 * indent of a list). A hyphen stays a hyphen that can be
 * copied, since most of them stand in names and values. */
static void
put_roff(const char *text, const char *paragraph, FILE *out)
{
	bool line_start = true;

	for (; *text; text++) {
		if (*text == '\n' && text[1] == '\n') {
			fprintf(out, "%s%s\n", line_start ? "" : "\n",
				paragraph);
			while (text[1] == '\n') {
				text++;
			}
			line_start = true;
			continue;
		}
		if (line_start && *text == ' ') {
			continue;
		}
		if (line_start && (*text == '.' || *text == '\'')) {
			fputs("\\&", out);
		}
		if (*text == '\\') {
			fputs("\\e", out);
		} else if (*text == '-') {
			fputs("\\-", out);
		} else {
			putc(*text, out);
		}
		line_start = *text == '\n';
	}
}

static void
put_line(const char *text, FILE *out)
{
	put_roff(text, ".PP", out);
	putc('\n', out);
}

static void
put_head(const struct agent_desc *desc, FILE *out)
{
	const struct agent_action *action;
	size_t index = 0;
	const char *separator = "";

	fputs(".\\\" Made by the agent's action \"manpage\"; do not edit.\n"
	      ".TH OCF_VMHA_",
	      out);
	for (const char *c = desc->name; *c; c++) {
		putc(toupper((unsigned char)*c), out);
	}
	fprintf(out, " 7 \"\" \"vmha %s\" \"OCF resource agents\"\n",
		VMHA_VERSION);
	fprintf(out, ".SH NAME\nocf_vmha_%s \\- ", desc->name);
	put_line(desc->shortdesc, out);
	fprintf(out, ".SH SYNOPSIS\n.B %s\n{", desc->name);
	while ((action = rt_describe_action(desc, &index))) {
		if (rt_describe_is_again(desc, action)) {
			continue;
		}
		fputs(separator, out);
		fputs("\\fB", out);
		put_roff(action->name, "", out);
		fputs("\\fR", out);
		separator = " |\n";
	}
	fputs("}\n.SH DESCRIPTION\n", out);
	put_line(desc->longdesc, out);
}

static void
put_params(const struct agent_desc *desc, FILE *out)
{
	fputs(".SH SUPPORTED PARAMETERS\n", out);
	if (!desc->params[0].name) {
		fputs("None.\n", out);
	}
	for (const struct ha_param *p = desc->params; p->name; p++) {
		const char *inert = rt_describe_inert(p);
		char *facts = NULL;
		size_t size = 0;
		FILE *memory = open_memstream(&facts, &size);

		fprintf(out, ".TP\n.B %s\n", p->name);
		put_roff(ha_text_is_empty(p->longdesc) ? p->shortdesc :
							 p->longdesc,
			 ".IP", out);
		putc('\n', out);
		if (inert) {
			put_line(inert, out);
		}
		if (memory) {
			rt_describe_param(p, memory);
			fclose(memory);
			fputs(".IP\nValue: ", out);
			put_roff(facts, "", out);
			fputs(".\n", out);
			free(facts);
		}
	}
}

static void
put_actions(const struct agent_desc *desc, FILE *out)
{
	const struct agent_action *action;
	size_t index = 0;

	fputs(".SH SUPPORTED ACTIONS\n"
	      "Timeouts are the suggested minimum.\n",
	      out);
	while ((action = rt_describe_action(desc, &index))) {
		fputs(".TP\n.B ", out);
		put_line(action->name, out);
		fprintf(out, "Timeout %us", action->timeout_s);
		if (action->interval_s > 0) {
			fprintf(out, ", interval %us", action->interval_s);
		}
		if (action->role) {
			fprintf(out, ", role %s", action->role);
		}
		fputs(".\n", out);
	}
}

static void
put_exit_status(FILE *out)
{
	size_t index = 0;
	enum ocf_rc rc;

	fputs(".SH EXIT STATUS\n", out);
	while (ocf_rc_next(&index, &rc)) {
		fprintf(out, ".TP\n.BR %d \" (%s)\"\n", (int)rc,
			ocf_rc_name(rc));
		put_line(ocf_rc_text(rc), out);
	}
}

int
rt_man_print(const struct agent_desc *desc, FILE *out)
{
	put_head(desc, out);
	put_params(desc, out);
	put_actions(desc, out);
	if (desc->man_body) {
		fputs(desc->man_body, out);
	}
	put_exit_status(out);
	fputs(".SH SEE ALSO\n"
	      ".BR crm (8),\n"
	      ".BR pcs (8),\n"
	      ".BR pacemaker (7)\n",
	      out);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
