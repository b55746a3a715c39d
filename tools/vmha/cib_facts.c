/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CIB, the live one or a file's, as what admission control counts. libha
 * reads the CIB and decides each demand, as it does for the fault domain
 * manager; here are the domain XMLs, which may hang, and what is to be warned
 * of. Reads only; never takes for counted what it could not read in silence.
 */
#include "cib_facts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/worker.h"

#define CIB_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define DOMAIN_READ_MS 3000u
#define HANGS_MAX 3u

/* ---- the tree ------------------------------------------------------------- */

static const char *
tree_name(const void *element)
{
	return ((const struct cib_node *)element)->name;
}

static const char *
tree_attr(const void *element, const char *name)
{
	const struct cib_node *node = element;

	for (size_t i = 0; i < node->attrs; i++) {
		if (strcmp(node->attr[i].name, name) == 0) {
			return node->attr[i].value;
		}
	}
	return NULL;
}

static const void *
tree_first(const void *element)
{
	return ((const struct cib_node *)element)->first;
}

static const void *
tree_next(const void *element)
{
	return ((const struct cib_node *)element)->next;
}

static const struct ha_cib_tree TREE = {
	.name = tree_name,
	.attr = tree_attr,
	.first = tree_first,
	.next = tree_next,
};

/* ---- domain XML ------------------------------------------------------------ */

/* In a child: a share that hangs keeps whoever opens a file there. */
static int
read_shape(void *arg, int fd)
{
	struct ha_demand_shape shape = { .memory_mb = 0 };
	ha_autofree struct ha_domain *domain = malloc(sizeof(*domain));
	ha_autofree char *xml = NULL;
	size_t len = 0;
	int rc = domain ? vmha_file_read(arg, HA_DOMAIN_XML_MAX, &xml, &len,
					 NULL) :
			  -ENOMEM;

	rc = rc < 0 ? rc : ha_domain_parse(xml, len, domain, NULL);
	if (rc < 0) {
		return rc;
	}
	shape.memory_mb = domain->memory_mib;
	shape.guarantee_mb = domain->guarantee_mib;
	shape.video_mb = domain->video_mib;
	shape.vcpus = domain->vcpus;
	shape.iothreads = domain->iothreads;
	shape.is_pinned = domain->is_pinned;
	return ha_worker_write(fd, &shape, sizeof(shape));
}

/* 0; negative errno. */
static int
shape_of(const char *path, struct ha_demand_shape *ret_shape)
{
	ha_autofree char *text = NULL;
	ha_autofree char *copy = strdup(path);
	size_t len = 0;
	int rc;

	if (!copy) {
		return -ENOMEM;
	}
	vmha_step("reading", path, DOMAIN_READ_MS + 10000);
	rc = ha_worker_run(read_shape, copy, sizeof(*ret_shape),
			   ha_clock_now_ms() + DOMAIN_READ_MS, &text, &len);
	if (rc == 0 && len != sizeof(*ret_shape)) {
		return -EIO;
	}
	if (rc == 0) {
		memcpy(ret_shape, text, len);
	}
	return rc;
}

static void __attribute__((format(printf, 2, 3)))
warn_of(struct cib_facts *facts, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)json_array_append_new(facts->warnings, json_vsprintf(fmt, ap));
	va_end(ap);
}

static void
set_demands(struct cib_facts *facts)
{
	struct ha_cibinv *inv = facts->inv;
	unsigned int hangs = 0;

	for (uint32_t i = 0; i < inv->inv.n_vms; i++) {
		struct ha_cibinv_vm *vm = &inv->vms[i];
		struct ha_demand_shape *shape = &facts->shapes[i];
		struct ha_demand demand;
		int rc = -ENOENT;

		if (vm->config && hangs < HANGS_MAX) {
			rc = shape_of(vm->config, shape);
			hangs += rc == -ETIMEDOUT;
		}
		if (rc < 0) {
			warn_of(facts,
				"%s: %s%s%s; its overhead is estimated "
				"from its utilization",
				inv->inv.vms[i].name,
				vm->config ? vm->config :
					     "it has no parameter config",
				vm->config ? ": " : "",
				!vm->config        ? "" :
				hangs == HANGS_MAX ? "not read, shares hang" :
				rc == -EINVAL      ? "is no domain XML" :
						     strerror(-rc));
		}
		vm->facts.shape = rc == 0 ? shape : NULL;
		ha_demand_judge(&vm->facts, &demand);
		ha_cibinv_set_demand(inv, i, &demand);
	}
}

/* ---- the whole ------------------------------------------------------------ */

static int
read_file(const char *path, struct cib_node **ret_cib, struct ha_err *err)
{
	ha_autofree char *text = NULL;
	size_t len = 0;
	int rc;

	path = vmha_input_path(path);
	rc = vmha_file_read(path, CIB_BYTES_MAX, &text, &len, err);
	if (rc < 0) {
		return rc;
	}
	return cib_parse(text, ret_cib, NULL) < 0 ?
		       ha_err_set(err, -EINVAL,
				  "%s is no CIB: write one with \"cibadmin "
				  "--query\"",
				  path) :
		       0;
}

int
cib_facts_read(struct vmha *v, struct cib_facts *ret_facts)
{
	struct cib_facts *facts = ret_facts;
	int rc;

	*facts = (struct cib_facts){ .warnings = json_array() };
	rc = v->args.cib ? read_file(v->args.cib, &facts->cib, &v->err) :
			   cib_read(&facts->cib, &v->err);
	rc = rc < 0 ? rc :
		      ha_cibinv_read(&TREE, facts->cib, &facts->inv, &v->err);
	if (rc == 0) {
		facts->shapes = calloc(facts->inv->inv.n_vms + (size_t)1,
				       sizeof(*facts->shapes));
		rc = facts->shapes ? 0 : -ENOMEM;
	}
	if (rc < 0) {
		cib_facts_done(facts);
		return rc;
	}
	for (uint32_t i = 0; i < facts->inv->n_notes; i++) {
		warn_of(facts, "%s", facts->inv->notes[i]);
	}
	set_demands(facts);
	return 0;
}

void
cib_facts_done(struct cib_facts *facts)
{
	ha_cibinv_free(facts->inv);
	cib_free(facts->cib);
	free(facts->shapes);
	json_decref(facts->warnings);
	*facts = (struct cib_facts){ .cib = NULL };
}
