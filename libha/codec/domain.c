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

#include "domain_size.h"
#include "ha/cleanup.h"

/* libvirt's own schema ends at depth 10; metadata may nest further. */
#define DEPTH_MAX 128u

/* Depths of the elements that count; <domain> is 1. */
#define DEPTH_DOMAIN 1u
#define DEPTH_FIELD 2u  /* name, uuid, devices */
#define DEPTH_DEVICE 3u /* disk */
#define DEPTH_DETAIL 4u /* driver, source, target, ... of a disk */

enum field {
	FIELD_NONE,
	FIELD_NAME,
	FIELD_UUID,
	FIELD_MEMORY,
	FIELD_VCPU,
	FIELD_IOTHREADS,
	FIELD_GUARANTEE /* below memtune */
};

struct parse {
	XML_Parser expat;
	struct ha_domain *domain;
	struct ha_domain_disk *disk; /* being filled, or NULL */
	struct ha_err *err;
	int rc;
	unsigned int depth;
	bool in_devices;
	bool in_memtune, in_backing, in_video; /* backing: memoryBacking */
	bool seen_name;
	bool seen_uuid;
	enum field field; /* whose text is being collected */
	uint64_t unit;    /* of a size, in bytes; 0: not known */
	size_t text_len;
	char text[HA_DOMAIN_NAME];
};

static const char *
attr_get(const char *const *attrs, const char *name)
{
	for (; *attrs; attrs += 2) {
		if (strcmp(attrs[0], name) == 0) {
			return attrs[1];
		}
	}
	return NULL;
}

/* Keeps the first failure: expat may call once more after a stop. */
static void
fail(struct parse *p, int code, const char *what, const char *value)
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

/* An attribute longer than its field is never cut: half a path is another
 * path. */
static void
copy_attr(struct parse *p, char *dst, size_t size, const char *value,
	  const char *what)
{
	size_t len = strlen(value);

	if (len >= size) {
		fail(p, -E2BIG, what, " is longer than this program reads");
		return;
	}
	memcpy(dst, value, len + 1);
}

static void
join_source(struct parse *p, const char *a, char sep, const char *b)
{
	struct ha_domain_disk *disk = p->disk;
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);

	if (len_a + len_b + 2 > sizeof(disk->source)) {
		fail(p, -E2BIG, "disk source",
		     " is longer than this program reads");
		return;
	}
	memcpy(disk->source, a, len_a);
	disk->source[len_a] = sep;
	memcpy(disk->source + len_a + 1, b, len_b + 1);
}

static void
read_source(struct parse *p, const char *const *attrs)
{
	static const char *const other[] = { "dir", "path", "type" };
	const char *a = NULL;
	const char *b = NULL;

	switch (p->disk->kind) {
	case HA_DISK_FILE:
		a = attr_get(attrs, "file");
		break;
	case HA_DISK_BLOCK:
		a = attr_get(attrs, "dev");
		break;
	case HA_DISK_NETWORK:
		a = attr_get(attrs, "protocol");
		b = attr_get(attrs, "name");
		if (a && *a) {
			join_source(p, a, ':', b ? b : "");
		}
		return;
	case HA_DISK_OTHER:
		a = attr_get(attrs, "pool");
		b = attr_get(attrs, "volume");
		if (a && *a && b && *b) {
			join_source(p, a, '/', b);
			return;
		}
		a = NULL;
		for (size_t i = 0; !a && i < sizeof(other) / sizeof(*other);
		     i++) {
			a = attr_get(attrs, other[i]);
		}
		break;
	case HA_DISK_NONE:
		break;
	}
	if (a && *a) {
		copy_attr(p, p->disk->source, sizeof(p->disk->source), a,
			  "disk source");
	}
}

static void
disk_begin(struct parse *p, const char *const *attrs)
{
	static const struct {
		const char *type;
		enum ha_disk_kind kind;
	} kinds[] = {
		{ "file", HA_DISK_FILE },
		{ "block", HA_DISK_BLOCK },
		{ "network", HA_DISK_NETWORK },
	};
	const char *type = attr_get(attrs, "type");
	const char *device = attr_get(attrs, "device");
	struct ha_domain *domain = p->domain;

	if (domain->n_disks == HA_DOMAIN_DISKS) {
		fail(p, -E2BIG, "more disks than this program reads", NULL);
		return;
	}
	p->disk = &domain->disks[domain->n_disks++];
	p->disk->kind = HA_DISK_OTHER;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		/* formatdomain: type defaults to file, device to disk. */
		if (strcmp(type ? type : "file", kinds[i].type) == 0) {
			p->disk->kind = kinds[i].kind;
		}
	}
	p->disk->is_disk = !device || strcmp(device, "disk") == 0;
	p->disk->readonly = device && strcmp(device, "cdrom") == 0;
}

static void
pin_if(struct parse *p, bool is)
{
	p->domain->is_pinned = p->domain->is_pinned || is;
}

static void
device_begin(struct parse *p, const char *name, const char *const *attrs)
{
	if (strcmp(name, "disk") == 0) {
		disk_begin(p, attrs);
	} else if (strcmp(name, "hostdev") == 0) {
		p->domain->n_hostdevs++;
		pin_if(p, ha__domain_pins(attr_get(attrs, "type")));
	} else if (strcmp(name, "interface") == 0) {
		pin_if(p, ha__domain_pins(attr_get(attrs, "type")));
	} else if (strcmp(name, "video") == 0) {
		p->in_video = true;
	} else if (strcmp(name, "filesystem") == 0) {
		p->domain->n_filesystems++;
	}
}

static void
disk_detail(struct parse *p, const char *name, const char *const *attrs)
{
	struct ha_domain_disk *disk = p->disk;
	const char *value;

	if (strcmp(name, "source") == 0) {
		read_source(p, attrs);
	} else if (strcmp(name, "driver") == 0) {
		if ((value = attr_get(attrs, "type"))) {
			copy_attr(p, disk->format, sizeof(disk->format), value,
				  "disk format");
		}
		if ((value = attr_get(attrs, "cache"))) {
			copy_attr(p, disk->cache, sizeof(disk->cache), value,
				  "disk cache mode");
		}
	} else if (strcmp(name, "target") == 0) {
		if ((value = attr_get(attrs, "dev"))) {
			copy_attr(p, disk->target, sizeof(disk->target), value,
				  "disk target");
		}
	} else if (strcmp(name, "readonly") == 0) {
		disk->readonly = true;
	} else if (strcmp(name, "shareable") == 0) {
		disk->shareable = true;
	} else if (strcmp(name, "transient") == 0) {
		disk->transient = true;
	}
}

static void
field_begin(struct parse *p, const char *name, const char *const *attrs)
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
		p->unit = ha__domain_unit(attr_get(attrs, "unit"));
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
		fail(p, -EINVAL, "a second element ", name);
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
memory_begin(struct parse *p, const char *name, const char *const *attrs)
{
	if (p->in_memtune && strcmp(name, "min_guarantee") == 0) {
		p->field = FIELD_GUARANTEE;
		p->unit = ha__domain_unit(attr_get(attrs, "unit"));
		p->text_len = 0;
	}
	pin_if(p, p->in_backing && (strcmp(name, "locked") == 0 ||
				    strcmp(name, "hugepages") == 0));
}

static void
on_start(void *ctx, const char *name, const char **attr_array)
{
	struct parse *p = ctx;
	const char *const *attrs = (const char *const *)attr_array;
	const char *value;

	if (p->rc) {
		return;
	}
	if (++p->depth > DEPTH_MAX) {
		fail(p, -E2BIG, "elements nested deeper than any domain", NULL);
		return;
	}
	if (p->field != FIELD_NONE) {
		fail(p, -EINVAL, "text expected, not an element ", name);
		return;
	}
	if (p->depth == DEPTH_DOMAIN) {
		if (strcmp(name, "domain") != 0) {
			fail(p, -EINVAL,
			     "not a libvirt domain: the outermost element is ",
			     name);
		} else if ((value = attr_get(attrs, "type"))) {
			copy_attr(p, p->domain->type, sizeof(p->domain->type),
				  value, "domain type");
		}
	} else if (p->depth == DEPTH_FIELD) {
		field_begin(p, name, attrs);
	} else if (p->depth == DEPTH_DEVICE && p->in_devices) {
		device_begin(p, name, attrs);
	} else if (p->depth == DEPTH_DEVICE) {
		memory_begin(p, name, attrs);
	} else if (p->depth == DEPTH_DETAIL && p->disk) {
		disk_detail(p, name, attrs);
	} else if (p->depth == DEPTH_DETAIL && p->in_video &&
		   strcmp(name, "model") == 0) {
		p->domain->video_mib += ha__domain_video_mib(
			attr_get(attrs, "type"), attr_get(attrs, "ram"),
			attr_get(attrs, "vram"), attr_get(attrs, "vgamem"));
	}
}

static void
on_text(void *ctx, const char *s, int len)
{
	struct parse *p = ctx;

	if (p->rc || p->field == FIELD_NONE || len < 0) {
		return;
	}
	if (p->text_len + (size_t)len >= sizeof(p->text)) {
		fail(p, -E2BIG, "name or uuid longer than 255 bytes", NULL);
		return;
	}
	memcpy(p->text + p->text_len, s, (size_t)len);
	p->text_len += (size_t)len;
}

/* libvirt takes the name as it stands, and refuses these itself. */
static void
take_name(struct parse *p)
{
	for (size_t i = 0; i < p->text_len; i++) {
		unsigned char c = (unsigned char)p->text[i];

		if (c < 0x20 || c == 0x7f || c == '/') {
			fail(p, -EINVAL,
			     "<name> holds '/', a line break or a control "
			     "character; write it on one line: ",
			     p->text);
			return;
		}
	}
	if (p->text_len == 0) {
		fail(p, -EINVAL, "<name> is empty", NULL);
		return;
	}
	memcpy(p->domain->name, p->text, p->text_len + 1);
}

static void
take_uuid(struct parse *p)
{
	if (!ha__domain_uuid(p->text, p->text_len, p->domain->uuid)) {
		fail(p, -EINVAL, "<uuid> is no UUID: ", p->text);
	}
}

static void
device_end(struct parse *p)
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
}

static void
on_end(void *ctx, const char *name)
{
	struct parse *p = ctx;

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
	fail(ctx, -EINVAL,
	     "a document type declaration (DOCTYPE) is refused; remove it: ",
	     name);
}

static int
parse_run(struct parse *p, const char *xml, size_t len)
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
	struct parse p = { .err = err };
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
