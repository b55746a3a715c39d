/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be known of a domain XML before it becomes a VM of the cluster:
 * from the file, its disks, the processes of this host and the resources that
 * there are. Other hosts are asked by Pacemaker's probes, before any start.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "add.h"
#include "ha/cleanup.h"
#include "ha/hostconf.h"
#include "ha/proc.h"

#define RANDOM_UUID "/proc/sys/kernel/random/uuid"
#define UUID_BYTES 64u
#define MIB (UINT64_C(1024) * 1024)

static int
read_domain(const char *path, struct ha_domain *ret_domain, struct ha_err *err)
{
	ha_autofree char *xml = NULL;
	size_t len = 0;
	int rc;

	vmha_step("reading", path, ADD_READ_MS);
	rc = vmha_file_read(path, HA_DOMAIN_XML_MAX, &xml, &len, err);
	return rc < 0 ? rc : ha_domain_parse(xml, len, ret_domain, err);
}

/* As the agent wants it: absolute; what is absolute stays as it was said. */
static int
set_path(struct add_vm *vm)
{
	char real[PATH_MAX];
	const char *path = vm->path;

	if (*path != '/') {
		path = realpath(path, real);
	}
	if (!path || strlen(path) >= sizeof(vm->config)) {
		add_refuse(vm, "can't read %s: %s", vm->path,
			   strerror(path ? ENAMETOOLONG : errno));
		return -EINVAL;
	}
	snprintf(vm->config, sizeof(vm->config), "%s", path);
	return 0;
}

/* An id of XML in ASCII: what crm shell and the CIB both take. */
static bool
is_resource_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_') {
		return false;
	}
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c)) {
			return false;
		}
	}
	return strlen(name) < ADD_NAME;
}

static void
set_name(struct add_vm *vm)
{
	const char *given = vm->job->v->args.name;
	const char *name = given ? given : vm->domain.name;

	if (!is_resource_name(name)) {
		add_refuse(vm,
			   "\"%s\" is no name for a resource: a letter, then "
			   "letters, digits and . _ -, %u in all; give one "
			   "with --name",
			   name, ADD_NAME - 1);
		return;
	}
	snprintf(vm->name, sizeof(vm->name), "%s", name);
}

static void
look_uuid(struct add_vm *vm)
{
	ha_autofree char *uuid = NULL;
	struct ha_err err = HA_ERR_INIT;
	size_t len = 0;

	for (uint32_t i = 0; i < vm->job->v->args.params.count; i++) {
		if (strncmp(vm->job->v->args.params.text[i], "uuid=", 5) == 0) {
			return;
		}
	}
	if (vm->domain.uuid[0]) {
		return;
	}
	(void)vmha_file_read(RANDOM_UUID, UUID_BYTES, &uuid, &len, &err);
	add_refuse(vm,
		   "%s has no <uuid>, without which a host that can't read it "
		   "can't tell this VM from others: put "
		   "<uuid>%.36s</uuid> below <name>",
		   vm->path, uuid ? uuid : "$(uuidgen)");
}

static void
look_size(struct add_vm *vm)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page = sysconf(_SC_PAGESIZE);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t here_mib = pages > 0 && page > 0 ?
				    (uint64_t)pages * (uint64_t)page / MIB :
				    UINT64_MAX;

	if (vm->domain.memory_mib == 0) {
		add_refuse(vm,
			   "%s has no <memory> that is a size, such as "
			   "<memory unit='MiB'>2048</memory>",
			   vm->path);
	} else if (vm->domain.memory_mib > here_mib) {
		add_note(vm,
			 "its memory, %" PRIu64 " MiB, is more than this "
			 "host has (%" PRIu64 " MiB): it can't run here",
			 vm->domain.memory_mib, here_mib);
	}
	if (vm->domain.vcpus == 0) {
		vm->domain.vcpus = 1; /* formatdomain: libvirt's default */
	} else if (cpus > 0 && vm->domain.vcpus > (unsigned long)cpus) {
		add_note(vm, "it has %u vCPUs, this host %ld CPUs",
			 vm->domain.vcpus, cpus);
	}
}

void
add_look_file(struct add_vm *vm)
{
	struct ha_err err = HA_ERR_INIT;

	if (set_path(vm) < 0) {
		return;
	}
	if (read_domain(vm->config, &vm->domain, &err) < 0) {
		add_refuse(vm, "%s%s%s", err.text,
			   strstr(err.text, vm->config) ? "" : ": ",
			   strstr(err.text, vm->config) ? "" : vm->config);
		return;
	}
	vm->is_read = true;
	set_name(vm);
	look_uuid(vm);
	look_size(vm);
	if (strcmp(vm->domain.type, "kvm") != 0 &&
	    strcmp(vm->domain.type, "qemu") != 0) {
		add_refuse(vm,
			   "%s is a domain of type \"%s\": only kvm and qemu "
			   "are run",
			   vm->path, vm->domain.type);
	}
	(void)add_look_place(vm, "config", vm->config);
}

static void
hinder(struct add_vm *vm, const char *what)
{
	vm->may_migrate = false;
	add_note(vm,
		 "it can't migrate live: %s (allow-migrate=false: it is "
		 "stopped and started instead)",
		 what);
}

static void
look_disk(struct add_vm *vm, const struct ha_domain_disk *disk)
{
	bool is_block = disk->kind == HA_DISK_BLOCK;
	char what[64];
	struct stat st;

	snprintf(what, sizeof(what), "disk %s", disk->target);
	if (disk->kind == HA_DISK_OTHER) {
		add_note(vm,
			 "%s is %s: its pool must be active on every host "
			 "(virsh pool-autostart)",
			 what, disk->source);
	}
	if (disk->kind != HA_DISK_FILE && !is_block) {
		return;
	}
	vmha_step("looking at", disk->source, ADD_READ_MS);
	if (stat(disk->source, &st) < 0) {
		add_refuse(vm, "%s: %s can't be found on this host: %s", what,
			   disk->source, strerror(errno));
	} else if (is_block != (bool)S_ISBLK(st.st_mode)) {
		add_refuse(vm, "%s: %s is %s block device, but its type is %s",
			   what, disk->source, is_block ? "no" : "a",
			   is_block ? "block" : "file");
	} else if (!is_block) {
		bool is_shared = add_look_place(vm, what, disk->source);

		is_shared &= add_look_backing(vm, what, disk->source);
		if (!is_shared && !disk->readonly) {
			hinder(vm, "a disk that it writes to is this host's");
		}
	} else if (strncmp(disk->source, "/dev/sd", 7) == 0 ||
		   strncmp(disk->source, "/dev/dm-", 8) == 0) {
		add_note(vm,
			 "%s: %s may be another disk on another host; name it "
			 "below /dev/disk/by-id or /dev/mapper",
			 what, disk->source);
	}
}

void
add_look_disks(struct add_vm *vm)
{
	bool is_transient = false;

	vm->may_migrate = true;
	for (unsigned int i = 0; i < vm->domain.n_disks; i++) {
		look_disk(vm, &vm->domain.disks[i]);
		is_transient |= vm->domain.disks[i].transient;
	}
	if (vm->domain.n_hostdevs > 0) {
		hinder(vm, "a device of the host is passed through to it");
	}
	if (vm->domain.n_filesystems > 0) {
		hinder(vm, "a folder of the host is passed through to it");
	}
	if (is_transient) {
		hinder(vm, "a disk of it is transient");
	}
}

/* A process of this host that is this VM is nobody's resource: one that has
 * its UUID was refused before. */
static void
look_process(struct add_vm *vm)
{
	static struct ha_qemu_found found;
	struct ha_qemu_want want = { .resource = vm->name,
				     .uuid = vm->domain.uuid,
				     .name = vm->domain.name,
				     .qemu_uid = ha_hostconf_qemu_user() };
	struct ha_err err = HA_ERR_INIT;
	int rc = ha_proc_find_qemu(&want, &found, &err);

	if (rc < 0) {
		add_refuse(vm, "whether it runs here is not known: %s",
			   err.text);
	} else if (rc > 0) {
		add_refuse(vm,
			   "it runs on this host outside the cluster (process "
			   "%d): shut it down first (virsh shutdown %s); a "
			   "resource of ocf:heartbeat:VirtualDomain is taken "
			   "over while it runs by \"vmha vm import\"",
			   (int)found.id.pid, vm->domain.name);
	} else if (found.n_doubtful > 0) {
		add_doubt(vm, "look what it is, or say --force",
			  "process %d of this host has its UUID and is no "
			  "emulator that is known",
			  (int)found.a_doubtful);
	}
}

static void
refuse_other(struct add_vm *vm, const struct cib_node *at, const char *what,
	     const char *value)
{
	const char *id = cib_get(at, "id");
	bool is_old = strcmp(cib_get(at, "type"), "VirtualDomain") == 0;

	add_refuse(vm, "resource %s has %s %s already: vmha vm %s %s%s", id,
		   what, value, is_old ? "import" : "show", id,
		   is_old ? " takes it over" : "");
}

static bool
is_same_file(const char *a, const char *b)
{
	struct stat st_a;
	struct stat st_b;

	return strcmp(a, b) == 0 ||
	       (stat(a, &st_a) == 0 && stat(b, &st_b) == 0 &&
		st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino);
}

static bool
has_config(const struct cib_node *at, const char *config)
{
	const char *theirs = cib_nvpair(at, "config");

	return theirs && is_same_file(theirs, config);
}

static bool
is_text(const char *a, const char *b)
{
	return a && *b && strcasecmp(a, b) == 0;
}

/* Of one resource: by its parameters, else by what its config says. */
static void
look_other(struct add_vm *vm, const struct cib_node *at)
{
	static struct ha_domain other;
	const char *config = cib_nvpair(at, "config");
	struct ha_err err = HA_ERR_INIT;
	bool is_read = false;

	if (config && *config == '/') {
		vmha_step("looking at", config, ADD_READ_MS);
		if (has_config(at, vm->config)) {
			refuse_other(vm, at, "config", config);
			return;
		}
		is_read = read_domain(config, &other, &err) == 0;
	}
	if (is_text(cib_nvpair(at, "uuid"), vm->domain.uuid) ||
	    (is_read && is_text(other.uuid, vm->domain.uuid))) {
		refuse_other(vm, at, "UUID", vm->domain.uuid);
	} else if (is_read && strcmp(other.name, vm->domain.name) == 0) {
		refuse_other(vm, at, "the domain name", vm->domain.name);
	}
}

static void
look_batch(struct add_vm *vm)
{
	for (struct add_vm *at = vm->job->vm; at < vm; at++) {
		if (is_text(at->name, vm->name) ||
		    is_text(at->domain.uuid, vm->domain.uuid) ||
		    strcmp(at->domain.name, vm->domain.name) == 0) {
			add_refuse(vm,
				   "%s has the same name or UUID: each VM has "
				   "its own",
				   at->path);
		}
	}
}

void
add_look_others(struct add_vm *vm)
{
	const struct cib_node *config =
		cib_child(vm->job->cib, "configuration");
	const struct cib_node *at = config;

	while (at && (at = cib_walk(config, at))) {
		const char *id = cib_get(at, "id");

		if (*id && strcmp(id, vm->name) == 0 &&
		    !has_config(at, vm->config)) {
			add_refuse(vm,
				   "the cluster's configuration has a %s "
				   "called %s already; give another name with "
				   "--name",
				   at->name, id);
		}
		if (cib_is(at, "primitive") || cib_is(at, "template")) {
			look_other(vm, at);
		}
	}
	look_batch(vm);
	look_process(vm);
}
