/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm add FILE.xml inside: what is found out about one domain XML, and
 * the words for why it is not taken. Nothing here changes anything.
 */
#ifndef VMHA_ADD_H
#define VMHA_ADD_H

#include "ha/domain.h"
#include "ha/vmparams.h"
#include "wait.h"

#define ADD_NAME 64u       /* with its NUL: more no VM list takes */
#define ADD_READ_MS 10000u /* a share that hangs */

struct add;
struct add_vm {
	struct add *job;
	const char *path; /* as it was given */
	char config[HA_DOMAIN_SOURCE];
	char name[ADD_NAME];
	struct ha_domain domain;
	json_t *params; /* {name: value}, as they are written */
	json_t *notes, *refusals;
	bool is_read; /* domain is filled */
	bool may_migrate;
	bool has_ticket;         /* it stands already, and is the master's */
	char host[HA_HOST_NAME]; /* where it was started */
	uint64_t took_ms;
};

struct add {
	struct vmha *v;
	struct cib_node *cib;
	struct add_vm *vm;
	uint32_t count;
};

/* ---- add.c --------------------------------------------------------------- */

bool add_is_file(const char *operand);
bool add_has_files(const struct vmha_args *args);
/* An option that only a new VM has; NULL: none is given. */
const char *add_option(const struct vmha_args *args);
int vmha_vm_add_files(struct vmha *v);

/* ---- vm_delete.c --------------------------------------------------------- */

/* Why that VM's resource can't be deleted; "": it can. */
void delete_refusal(const struct cib_node *cib, const char *name, char *ret_why,
		    size_t size);

void add_note(struct add_vm *vm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void add_refuse(struct add_vm *vm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A refusal, with what to do about it, that --force makes a note. */
void add_doubt(struct add_vm *vm, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- add_look.c, add_place.c, add_backing.c, add_libvirt.c, add_params.c - */

/* The file itself: path, XML, name, UUID, size. */
void add_look_file(struct add_vm *vm);
/* Its disks, and what hinders live migration. */
void add_look_disks(struct add_vm *vm);
/* Does a process of this host, or another resource, have it already? */
void add_look_others(struct add_vm *vm);
/* Is that file on something that other hosts see, too? "config", "disk vda".
 * False: it is this host's own for sure. */
bool add_look_place(struct add_vm *vm, const char *what, const char *path);
/* The images that an image builds upon; false as above. */
bool add_look_backing(struct add_vm *vm, const char *what, const char *image);
/* What this host's libvirt has kept of it. */
void add_look_libvirt(struct add_vm *vm);
/* The parameters as the agent will read them. */
void add_set_params(struct add_vm *vm);

/* ---- add_text.c ---------------------------------------------------------- */

/* The whole update as XML; the caller frees. NULL: no memory. */
char *add_xml(const struct add *job);
/* The commands that do the same, as a script; the caller frees. */
char *add_script(const struct add *job);
uint64_t add_cpu_mhz(const struct add_vm *vm);

#endif
