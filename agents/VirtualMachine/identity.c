/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is this virtual machine? Never depends on a readable config file:
 * the record under /run and the parameters come first, then config if it can
 * be read, then what /var/lib remembers of the last start. A config share that
 * hangs is given a few seconds in a child process, and only by actions that
 * have no record.
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

/* In a child process: the share may hang. Sends the file, or the errno's
 * sentence, which the parent makes. */
static int
send_file(void *arg, int fd)
{
	const char *path = arg;
	char chunk[4096];
	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	ha_autoclose int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (file < 0) {
		return -errno;
	}
	for (;;) {
		ssize_t got = read(file, chunk, sizeof(chunk));
		int rc;

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return got < 0 ? -errno : 0;
		}
		rc = ha_worker_write(fd, chunk, (size_t)got);
		if (rc < 0) {
			return rc;
		}
	}
}

static int
fetch_config(struct vm *vm, size_t *ret_len, struct ha_err *err)
{
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_CONFIG_MS);
	const char *path = vm->params->config;
	/* The worker only reads it. */
	int rc = ha_worker_run(send_file, (void *)(uintptr_t)path,
			       HA_DOMAIN_XML_MAX, deadline_ms, &vm->xml,
			       ret_len);

	if (rc == -ETIMEDOUT) {
		return ha_err_set(err, rc,
				  "config %s can't be read: its file system "
				  "does not answer",
				  path);
	}
	if (rc == -E2BIG) {
		return ha_err_set(err, rc,
				  "config %s is larger than %u bytes: no "
				  "domain XML",
				  path, HA_DOMAIN_XML_MAX);
	}
	/* Not -ENOENT: that is for what must be installed, and a share may
	 * come back. */
	return rc < 0 ? ha_err_set(err, -EIO, "config %s can't be read: %s",
				   path, strerror(-rc)) :
			0;
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
	if (vm->params->config) {
		if (vm_read_config(vm, &err) == 0) {
			learn(vm, vm->domain->uuid, vm->domain->name);
		} else {
			agent_log(vm->ctx, AGENT_DEBUG,
				  "identity without config: %s", err.text);
		}
	}
	if (!vm->uuid[0] &&
	    ha_vmfiles_recall(vm->resource, &known, NULL) == 0) {
		vm->is_recalled = known.uuid[0] != '\0';
		learn(vm, known.uuid, known.name);
	}
}
