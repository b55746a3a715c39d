/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A <disk> of a domain XML: what it is, where it is, and how it is opened. A
 * source that does not fit is refused and never cut: half a path is another
 * path.
 */
#include <errno.h>
#include <string.h>

#include "domain_parse.h"

void
ha__domain_copy(struct ha__domain_parse *p, char *dst, size_t size,
		const char *value, const char *what)
{
	size_t len = strlen(value);

	if (len >= size) {
		ha__domain_fail(p, -E2BIG, what,
				" is longer than this program reads");
		return;
	}
	memcpy(dst, value, len + 1);
}

static void
join_source(struct ha__domain_parse *p, const char *a, char sep, const char *b)
{
	struct ha_domain_disk *disk = p->disk;
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);

	if (len_a + len_b + 2 > sizeof(disk->source)) {
		ha__domain_fail(p, -E2BIG, "disk source",
				" is longer than this program reads");
		return;
	}
	memcpy(disk->source, a, len_a);
	disk->source[len_a] = sep;
	memcpy(disk->source + len_a + 1, b, len_b + 1);
}

static void
read_source(struct ha__domain_parse *p, const char *const *attrs)
{
	static const char *const other[] = { "dir", "path", "type" };
	const char *a = NULL;
	const char *b = NULL;

	switch (p->disk->kind) {
	case HA_DISK_FILE:
		a = ha__domain_attr(attrs, "file");
		break;
	case HA_DISK_BLOCK:
		a = ha__domain_attr(attrs, "dev");
		break;
	case HA_DISK_NETWORK:
		a = ha__domain_attr(attrs, "protocol");
		b = ha__domain_attr(attrs, "name");
		if (a && *a) {
			join_source(p, a, ':', b ? b : "");
		}
		return;
	case HA_DISK_OTHER:
		a = ha__domain_attr(attrs, "pool");
		b = ha__domain_attr(attrs, "volume");
		if (a && *a && b && *b) {
			join_source(p, a, '/', b);
			return;
		}
		a = NULL;
		for (size_t i = 0; !a && i < sizeof(other) / sizeof(*other);
		     i++) {
			a = ha__domain_attr(attrs, other[i]);
		}
		break;
	case HA_DISK_NONE:
		break;
	}
	if (a && *a) {
		ha__domain_copy(p, p->disk->source, sizeof(p->disk->source), a,
				"disk source");
	}
}

void
ha__domain_disk_begin(struct ha__domain_parse *p, const char *const *attrs)
{
	static const struct {
		const char *type;
		enum ha_disk_kind kind;
	} kinds[] = {
		{ "file", HA_DISK_FILE },
		{ "block", HA_DISK_BLOCK },
		{ "network", HA_DISK_NETWORK },
	};
	const char *type = ha__domain_attr(attrs, "type");
	const char *device = ha__domain_attr(attrs, "device");
	struct ha_domain *domain = p->domain;

	if (domain->n_disks == HA_DOMAIN_DISKS) {
		ha__domain_fail(p, -E2BIG, "more disks than this program reads",
				NULL);
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

void
ha__domain_disk_detail(struct ha__domain_parse *p, const char *name,
		       const char *const *attrs)
{
	struct ha_domain_disk *disk = p->disk;
	const char *value;

	if (strcmp(name, "source") == 0) {
		read_source(p, attrs);
	} else if (strcmp(name, "driver") == 0) {
		if ((value = ha__domain_attr(attrs, "type"))) {
			ha__domain_copy(p, disk->format, sizeof(disk->format),
					value, "disk format");
		}
		if ((value = ha__domain_attr(attrs, "cache"))) {
			ha__domain_copy(p, disk->cache, sizeof(disk->cache),
					value, "disk cache mode");
		}
	} else if (strcmp(name, "target") == 0) {
		if ((value = ha__domain_attr(attrs, "dev"))) {
			ha__domain_copy(p, disk->target, sizeof(disk->target),
					value, "disk target");
		}
	} else if (strcmp(name, "readonly") == 0) {
		disk->readonly = true;
	} else if (strcmp(name, "shareable") == 0) {
		disk->shareable = true;
	} else if (strcmp(name, "transient") == 0) {
		disk->transient = true;
	}
}
