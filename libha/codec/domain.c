/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain XML to identity and disks. Uses expat because it starts in a tenth
 * of libxml2's time, and because only a handful of places in the text count:
 * name and uuid as direct children of <domain>, and the disks' own elements
 * (a backingStore or a mirror names sources too, and they are not the disk).
 * Any document type declaration is refused: without one there are no
 * entities, hence no expansion and no outside file. Nothing here opens a
 * file. Limits are checked before memory is spent.
 */
#include "ha/domain.h"

#include <ctype.h>
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "domain_parse.h"
#include "domain_size.h"
#include "ha/cleanup.h"

/* libvirt's own schema ends at depth 10; metadata may nest further. */
#define DEPTH_MAX 128u

/* Depths of the elements that count; <domain> is 1. */
#define DEPTH_DOMAIN 1u
#define DEPTH_FIELD 2u  /* name, uuid, devices */
#define DEPTH_DEVICE 3u /* disk */
#define DEPTH_DETAIL 4u /* driver, source, target, ... of a disk */

const char *
ha__domain_attr(const char *const *attrs, const char *name)
{
	for (; *attrs; attrs += 2) {
		if (strcmp(attrs[0], name) == 0) {
			return attrs[1];
		}
	}
	return NULL;
}

void
ha__domain_fail(struct ha__domain_parse *p, int code, const char *what,
		const char *value)
{
	if (p->rc) {
		return;
	}
	p->rc = ha_err_set(p->err, code, "domain XML, line %lu: %s%.80s",
			   (unsigned long)XML_GetCurrentLineNumber(p->expat),
			   what, value ? value : "");
	/* The value is the user's: it must not break a log line. */
	for (char *c = p->err ? p->err->text : NULL; c && *c; c++) {
		if (iscntrl((unsigned char)*c)) {
			*c = ' ';
		}
	}
	XML_StopParser(p->expat, XML_FALSE);
}

static void
pin_if(struct ha__domain_parse *p, bool is)
{
	p->domain->is_pinned = p->domain->is_pinned || is;
}

static void
device_begin(struct ha__domain_parse *p, const char *name,
	     const char *const *attrs)
{
	if (strcmp(name, "disk") == 0) {
		ha__domain_disk_begin(p, attrs);
	} else if (strcmp(name, "hostdev") == 0) {
		p->domain->n_hostdevs++;
		pin_if(p, ha__domain_pins(ha__domain_attr(attrs, "type")));
	} else if (strcmp(name, "interface") == 0) {
		pin_if(p, ha__domain_pins(ha__domain_attr(attrs, "type")));
	} else if (strcmp(name, "video") == 0) {
		p->in_video = true;
	} else if (strcmp(name, "filesystem") == 0) {
		p->domain->n_filesystems++;
	}
	p->in_channel = strcmp(name, "channel") == 0;
}

static void
channel_detail(struct ha__domain_parse *p, const char *name,
	       const char *const *attrs)
{
	const char *value = ha__domain_attr(attrs, "name");

	if (strcmp(name, "target") == 0 && value) {
		p->domain->has_agent |= strcmp(value, HA_DOMAIN_AGENT) == 0;
		p->domain->has_heartbeat |=
			strcmp(value, HA_DOMAIN_HEARTBEAT) == 0;
	}
}

static void
field_begin(struct ha__domain_parse *p, const char *name,
	    const char *const *attrs)
{
	bool *seen = NULL;

	if (strcmp(name, "name") == 0) {
		p->field = FIELD_NAME;
		seen = &p->seen_name;
	} else if (strcmp(name, "uuid") == 0) {
		p->field = FIELD_UUID;
		seen = &p->seen_uuid;
	} else if (strcmp(name, "memory") == 0) {
		p->field = FIELD_MEMORY;
		p->unit = ha__domain_unit(ha__domain_attr(attrs, "unit"));
		p->text_len = 0;
	} else if (strcmp(name, "vcpu") == 0) {
		p->field = FIELD_VCPU;
		p->text_len = 0;
	} else if (strcmp(name, "iothreads") == 0) {
		p->field = FIELD_IOTHREADS;
		p->text_len = 0;
	}
	p->in_devices = strcmp(name, "devices") == 0;
	p->in_memtune = strcmp(name, "memtune") == 0;
	p->in_backing = strcmp(name, "memoryBacking") == 0;
	if (seen && *seen) {
		ha__domain_fail(p, -EINVAL, "a second element ", name);
		return;
	}
	if (seen) {
		*seen = true;
		p->text_len = 0;
	}
}

/* What makes the host unable to take memory back, and what it is asked to
 * keep free. */
static void
memory_begin(struct ha__domain_parse *p, const char *name,
	     const char *const *attrs)
{
	if (p->in_memtune && strcmp(name, "min_guarantee") == 0) {
		p->field = FIELD_GUARANTEE;
		p->unit = ha__domain_unit(ha__domain_attr(attrs, "unit"));
		p->text_len = 0;
	}
	pin_if(p, p->in_backing && (strcmp(name, "locked") == 0 ||
				    strcmp(name, "hugepages") == 0));
}

static void
on_start(void *ctx, const char *name, const char **attr_array)
{
	struct ha__domain_parse *p = ctx;
	const char *const *attrs = (const char *const *)attr_array;
	const char *value;

	if (p->rc) {
		return;
	}
	if (++p->depth > DEPTH_MAX) {
		ha__domain_fail(p, -E2BIG,
				"elements nested deeper than any domain", NULL);
		return;
	}
	if (p->field != FIELD_NONE) {
		ha__domain_fail(p, -EINVAL, "text expected, not an element ",
				name);
		return;
	}
	if (p->depth == DEPTH_DOMAIN) {
		if (strcmp(name, "domain") != 0) {
			ha__domain_fail(
				p, -EINVAL,
				"not a libvirt domain: the outermost element is ",
				name);
		} else if ((value = ha__domain_attr(attrs, "type"))) {
			ha__domain_copy(p, p->domain->type,
					sizeof(p->domain->type), value,
					"domain type");
		}
	} else if (p->depth == DEPTH_FIELD) {
		field_begin(p, name, attrs);
	} else if (p->depth == DEPTH_DEVICE && p->in_devices) {
		device_begin(p, name, attrs);
	} else if (p->depth == DEPTH_DEVICE) {
		memory_begin(p, name, attrs);
	} else if (p->depth == DEPTH_DETAIL && p->disk) {
		ha__domain_disk_detail(p, name, attrs);
	} else if (p->depth == DEPTH_DETAIL && p->in_video &&
		   strcmp(name, "model") == 0) {
		p->domain->video_mib +=
			ha__domain_video_mib(ha__domain_attr(attrs, "type"),
					     ha__domain_attr(attrs, "ram"),
					     ha__domain_attr(attrs, "vram"),
					     ha__domain_attr(attrs, "vgamem"));
	} else if (p->depth == DEPTH_DETAIL && p->in_channel) {
		channel_detail(p, name, attrs);
	}
}

static void
on_text(void *ctx, const char *s, int len)
{
	struct ha__domain_parse *p = ctx;

	if (p->rc || p->field == FIELD_NONE || len < 0) {
		return;
	}
	if (p->text_len + (size_t)len >= sizeof(p->text)) {
		ha__domain_fail(p, -E2BIG, "name or uuid longer than 255 bytes",
				NULL);
		return;
	}
	memcpy(p->text + p->text_len, s, (size_t)len);
	p->text_len += (size_t)len;
}

/* libvirt takes the name as it stands, and refuses these itself. */
static void
take_name(struct ha__domain_parse *p)
{
	for (size_t i = 0; i < p->text_len; i++) {
		unsigned char c = (unsigned char)p->text[i];

		if (c < 0x20 || c == 0x7f || c == '/') {
			ha__domain_fail(
				p, -EINVAL,
				"<name> holds '/', a line break or a control "
				"character; write it on one line: ",
				p->text);
			return;
		}
	}
	if (p->text_len == 0) {
		ha__domain_fail(p, -EINVAL, "<name> is empty", NULL);
		return;
	}
	memcpy(p->domain->name, p->text, p->text_len + 1);
}

static void
take_uuid(struct ha__domain_parse *p)
{
	if (!ha__domain_uuid(p->text, p->text_len, p->domain->uuid)) {
		ha__domain_fail(p, -EINVAL, "<uuid> is no UUID: ", p->text);
	}
}

static void
device_end(struct ha__domain_parse *p)
{
	if (p->field == FIELD_GUARANTEE) {
		p->text[p->text_len] = '\0';
		p->domain->guarantee_mib = ha__domain_mib(p->text, p->unit);
		p->field = FIELD_NONE;
	}
	if (p->disk && !p->disk->source[0]) {
		p->disk->kind = HA_DISK_NONE;
	}
	p->disk = NULL;
	p->in_video = false;
	p->in_channel = false;
}

static void
on_end(void *ctx, const char *name)
{
	struct ha__domain_parse *p = ctx;

	(void)name;
	if (p->rc) {
		return;
	}
	if (p->depth == DEPTH_FIELD) {
		p->text[p->text_len] = '\0';
		if (p->field == FIELD_NAME) {
			take_name(p);
		} else if (p->field == FIELD_UUID) {
			take_uuid(p);
		} else if (p->field == FIELD_MEMORY) {
			p->domain->memory_mib =
				ha__domain_mib(p->text, p->unit);
		} else if (p->field == FIELD_VCPU) {
			p->domain->vcpus = ha__domain_count(p->text);
		} else if (p->field == FIELD_IOTHREADS) {
			p->domain->iothreads = ha__domain_count(p->text);
		}
		p->field = FIELD_NONE;
		p->in_devices = false;
	} else if (p->depth == DEPTH_DEVICE) {
		device_end(p);
	}
	p->depth--;
}

static void
on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid,
	   int has_internal_subset)
{
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	ha__domain_fail(
		ctx, -EINVAL,
		"a document type declaration (DOCTYPE) is refused; remove it: ",
		name);
}

static int
parse_run(struct ha__domain_parse *p, const char *xml, size_t len)
{
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, on_start, on_end);
	XML_SetCharacterDataHandler(p->expat, on_text);
	XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);

	if (XML_Parse(p->expat, xml, (int)len, XML_TRUE) == XML_STATUS_ERROR &&
	    !p->rc) {
		enum XML_Error code = XML_GetErrorCode(p->expat);

		if (code == XML_ERROR_NO_MEMORY) {
			return ha_err_set(p->err, -ENOMEM, "domain XML: %s",
					  XML_ErrorString(code));
		}
		return ha_err_set(
			p->err, -EINVAL, "domain XML, line %lu: %s",
			(unsigned long)XML_GetCurrentLineNumber(p->expat),
			XML_ErrorString(code));
	}
	if (!p->rc && !p->seen_name) {
		return ha_err_set(p->err, -EINVAL,
				  "domain XML: no <name> in <domain>");
	}
	return p->rc;
}

int
ha_domain_parse(const char *xml, size_t len, struct ha_domain *ret_domain,
		struct ha_err *err)
{
	struct ha__domain_parse p = { .err = err };
	ha_autofree struct ha_domain *domain = NULL;
	int rc;

	if (len > HA_DOMAIN_XML_MAX) {
		return ha_err_set(err, -E2BIG,
				  "domain XML: %zu bytes, %u are the limit",
				  len, HA_DOMAIN_XML_MAX);
	}
	domain = calloc(1, sizeof(*domain));
	p.expat = XML_ParserCreate(NULL);
	if (!domain || !p.expat) {
		XML_ParserFree(p.expat);
		return ha_err_set(err, -ENOMEM, "domain XML: out of memory");
	}
	p.domain = domain;
	rc = parse_run(&p, xml, len);
	XML_ParserFree(p.expat);
	if (rc == 0) {
		memcpy(ret_domain, domain, sizeof(*domain));
	}
	return rc;
}
