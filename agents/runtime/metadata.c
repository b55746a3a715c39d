/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The meta-data action: OCF Resource Agent API 1.1 XML from the tables.
 * The document brings its own DTD: ocf-tester insists on validation, and the
 * ra-api-1.dtd that it would fetch knows neither the attributes of 1.1 nor
 * the options of a select. Parsers that don't validate pass over it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"
#include "runtime/runtime.h"

static const char DTD[] =
	"<!DOCTYPE resource-agent [\n"
	"<!ELEMENT resource-agent "
	"(version,longdesc,shortdesc,parameters,actions)>\n"
	"<!ATTLIST resource-agent name CDATA #REQUIRED "
	"version CDATA #IMPLIED>\n"
	"<!ELEMENT version (#PCDATA)>\n"
	"<!ELEMENT longdesc (#PCDATA)>\n"
	"<!ATTLIST longdesc lang NMTOKEN #IMPLIED>\n"
	"<!ELEMENT shortdesc (#PCDATA)>\n"
	"<!ATTLIST shortdesc lang NMTOKEN #IMPLIED>\n"
	"<!ELEMENT parameters (parameter*)>\n"
	"<!ELEMENT parameter (longdesc,shortdesc,content)>\n"
	"<!ATTLIST parameter name CDATA #REQUIRED unique-group CDATA "
	"#IMPLIED\n"
	" unique (0|1) #IMPLIED required (0|1) #IMPLIED "
	"reloadable (0|1) #IMPLIED>\n"
	"<!ELEMENT content (option*)>\n"
	"<!ATTLIST content type (string|integer|boolean|time|select) "
	"#REQUIRED\n"
	" default CDATA #IMPLIED>\n"
	"<!ELEMENT option EMPTY>\n"
	"<!ATTLIST option value CDATA #REQUIRED>\n"
	"<!ELEMENT actions (action*)>\n"
	"<!ELEMENT action EMPTY>\n"
	"<!ATTLIST action name CDATA #REQUIRED timeout CDATA #REQUIRED\n"
	" interval CDATA #IMPLIED depth CDATA #IMPLIED role CDATA "
	"#IMPLIED>\n"
	"]>\n";

/* Text or attribute value. What XML 1.0 can't hold at all becomes '?'. */
static void
put_xml(const char *text, FILE *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\n':
		case '\t':
			putc(*text, out);
			break;
		default:
			putc((unsigned char)*text < ' ' ? '?' : *text, out);
		}
	}
}

static void
put_attribute(const char *name, const char *value, FILE *out)
{
	fprintf(out, " %s=\"", name);
	put_xml(value, out);
	putc('"', out);
}

static void
put_description(const char *element, const char *text, FILE *out)
{
	fprintf(out, "<%s lang=\"en\">", element);
	put_xml(text, out);
	fprintf(out, "</%s>\n", element);
}

/* The facts go into the text too, since pcs shows nothing else; so a long text
 * stands by itself, and a summary without one serves as it. */
static void
put_long_description(const struct ha_param *param, FILE *out)
{
	const char *inert = rt_describe_inert(param);
	char *facts = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&facts, &size);

	fputs("<longdesc lang=\"en\">", out);
	put_xml(ha_text_is_empty(param->longdesc) ? param->shortdesc :
						    param->longdesc,
		out);
	if (memory) {
		rt_describe_param(param, memory);
		fclose(memory);
		fputs("\nValue: ", out);
		put_xml(facts, out);
		putc('.', out);
		free(facts);
	}
	if (inert) {
		putc('\n', out);
		put_xml(inert, out);
	}
	fputs("</longdesc>\n", out);
}

static void
put_content(const struct ha_param *param, FILE *out)
{
	fprintf(out, "<content type=\"%s\"", ha_param_ocf_type(param));
	if (param->def) {
		put_attribute("default", param->def, out);
	}
	if (param->type != HA_PARAM_ENUM) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n", out);
	for (size_t i = 0; param->choices[i]; i++) {
		fputs("<option", out);
		put_attribute("value", param->choices[i], out);
		fputs("/>\n", out);
	}
	fputs("</content>\n", out);
}

static void
put_param(const struct ha_param *param, FILE *out)
{
	fputs("<parameter", out);
	put_attribute("name", param->name, out);
	if (param->flags & HA_PARAM_UNIQUE) {
		/* `unique` is 1.0's and deprecated, but crmsh reads it. */
		put_attribute("unique-group", param->name, out);
		put_attribute("unique", "1", out);
	}
	put_attribute("required", param->flags & HA_PARAM_REQUIRED ? "1" : "0",
		      out);
	put_attribute("reloadable",
		      param->flags & HA_PARAM_RELOADABLE ? "1" : "0", out);
	fputs(">\n", out);
	put_long_description(param, out);
	put_description("shortdesc", param->shortdesc, out);
	put_content(param, out);
	fputs("</parameter>\n", out);
}

static void
put_action(const struct agent_action *action, FILE *out)
{
	fputs("<action", out);
	put_attribute("name", action->name, out);
	fprintf(out, " timeout=\"%us\"", action->timeout_s);
	if (action->interval_s > 0) {
		fprintf(out, " interval=\"%us\"", action->interval_s);
	}
	if (action->role) {
		put_attribute("role", action->role, out);
	}
	if (strcmp(action->name, "monitor") == 0) {
		fputs(" depth=\"0\"", out);
	}
	fputs("/>\n", out);
}

int
rt_metadata_print(const struct agent_desc *desc, FILE *out)
{
	const struct agent_action *action;
	size_t index = 0;

	fprintf(out, "<?xml version=\"1.0\"?>\n%s", DTD);
	fputs("<resource-agent", out);
	put_attribute("name", desc->name, out);
	put_attribute("version", desc->version, out);
	fputs(">\n<version>1.1</version>\n", out);
	put_description("longdesc", desc->longdesc, out);
	put_description("shortdesc", desc->shortdesc, out);
	fputs("<parameters>\n", out);
	for (const struct ha_param *p = desc->params; p->name; p++) {
		put_param(p, out);
	}
	fputs("</parameters>\n<actions>\n", out);
	while ((action = rt_describe_action(desc, &index))) {
		put_action(action, out);
	}
	fputs("</actions>\n</resource-agent>\n", out);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
