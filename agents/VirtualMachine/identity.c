/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is this virtual machine? Never depends on a readable config file:
 * parameters, the record under /run and what /var/lib remembers come first,
 * and config is read only where these don't know enough (or where start
 * needs the whole file anyway). A config share that hangs would hang the
 * read, so it is opened only by actions that need it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "VirtualMachine/vm.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/vmfiles.h"
#include "ha/worker.h"

void
vm_init(struct vm *vm, struct agent_ctx *ctx)
{
	struct ha_err err = HA_ERR_INIT;
	int rc;

	*vm = (struct vm){
		.ctx = ctx,
		.params = ctx->values,
		.resource = ctx->instance,
	};
	rc = ha_vmfiles_load(vm->resource, &vm->record, &err);
	vm->has_record = rc == 0;
	if (rc < 0 && rc != -ENOENT) {
		agent_log(ctx, AGENT_WARNING,
			  "record ignored, looking for the process: %s",
			  err.text);
	}
}

/* What a share that may hang is asked for, in a thread of its own. Never
 * freed: after a timeout the thread still works on it. */
struct reading {
	const char *path;
	char *text;
	size_t len;
	struct ha_err err;
};

static int
read_file(void *arg)
{
	struct reading *r = arg;
	struct ha_err *err = &r->err;
	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	ha_autoclose int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ha_autofree char *text = NULL;
	size_t n = 0;

	if (fd < 0) {
		return ha_err_set(err, -errno, "can't open %s: %s", r->path,
				  strerror(errno));
	}
	text = malloc(HA_DOMAIN_XML_MAX + 1);
	if (!text) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	while (n <= HA_DOMAIN_XML_MAX) {
		ssize_t got = read(fd, text + n, HA_DOMAIN_XML_MAX + 1 - n);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return ha_err_set(err, -errno, "can't read %s: %s",
					  r->path, strerror(errno));
		}
		if (got == 0) {
			break;
		}
		n += (size_t)got;
	}
	if (n > HA_DOMAIN_XML_MAX) {
		return ha_err_set(err, -E2BIG,
				  "%s is larger than %u bytes: no domain XML",
				  r->path, HA_DOMAIN_XML_MAX);
	}
	text[n] = '\0';
	r->len = n;
	r->text = ha_steal_ptr(&text);
	return 0;
}

static int
fetch_config(struct vm *vm, size_t *ret_len, struct ha_err *err)
{
	static struct reading r;
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_CONFIG_MS);
	int rc;

	r.path = vm->params->config;
	rc = ha_worker_run(read_file, &r, deadline_ms);
	if (rc == -ETIMEDOUT) {
		return ha_err_set(err, rc,
				  "%s can't be read: its file system does not "
				  "answer",
				  vm->params->config);
	}
	if (rc < 0) {
		*err = r.err;
		return rc;
	}
	*ret_len = r.len;
	vm->xml = r.text;
	return 0;
}

static int
agree(const char *what, const char *param, const char *config, const char *path,
      struct ha_err *err)
{
	if (param && *config && strcasecmp(param, config) != 0) {
		return ha_err_set(err, -EINVAL,
				  "parameter %s: \"%s\", but %s says \"%s\"; "
				  "make them agree",
				  what, param, path, config);
	}
	return 0;
}

int
vm_read_config(struct vm *vm, struct ha_err *err)
{
	const char *path = vm->params->config;
	size_t len = 0;
	int rc;

	if (vm->domain) {
		return 0;
	}
	rc = fetch_config(vm, &len, err);
	if (rc < 0) {
		return rc;
	}
	vm->domain = calloc(1, sizeof(*vm->domain));
	if (!vm->domain) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	rc = ha_domain_parse(vm->xml, len, vm->domain, err);
	if (rc < 0) {
		ha_err_prefix(err, rc, "%s: ", path);
	}
	if (rc == 0) {
		rc = agree("uuid", vm->params->uuid, vm->domain->uuid, path,
			   err);
	}
	if (rc == 0) {
		rc = agree("name", vm->params->name, vm->domain->name, path,
			   err);
	}
	if (rc < 0) {
		free(vm->domain);
		vm->domain = NULL;
	}
	return rc;
}

static void
learn(struct vm *vm, const char *uuid, const char *name)
{
	if (!vm->uuid[0] && uuid && *uuid) {
		(void)ha_text_uuid(uuid, vm->uuid);
	}
	if (!vm->name[0] && name && *name) {
		(void)ha_text_copy(vm->name, sizeof(vm->name), name);
	}
}

void
vm_identify(struct vm *vm)
{
	struct ha_vm_record known;
	struct ha_err err = HA_ERR_INIT;

	if (vm->has_record) {
		learn(vm, vm->record.uuid, vm->record.name);
	}
	learn(vm, vm->params->uuid, vm->params->name);
	if (vm->uuid[0]) {
		return;
	}
	if (ha_vmfiles_recall(vm->resource, &known, NULL) == 0) {
		learn(vm, known.uuid, known.name);
	}
	if (vm->uuid[0] || !vm->params->config) {
		return;
	}
	if (vm_read_config(vm, &err) == 0) {
		learn(vm, vm->domain->uuid, vm->domain->name);
	} else {
		agent_log(vm->ctx, AGENT_DEBUG, "identity without config: %s",
			  err.text);
	}
}
