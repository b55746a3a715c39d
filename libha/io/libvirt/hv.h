/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the libvirt module: a handle, its one worker thread, and the jobs
 * that it runs. A job's memory belongs to the job alone (arguments are copied in,
 * results are copied out under the lock), so that a caller which gave up at
 * its deadline leaves nothing behind that the worker could still write to.
 * libvirt may be called only inside a job's run(), never by the caller.
 */
#ifndef HV_H
#define HV_H

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/hypervisor.h"

#define HV_NAMESPACE "urn:vmha:1" /* of our tag in a domain's metadata */
#define HV_DEFAULT_URI "qemu:///system"

struct ha_hv {
	pthread_mutex_t lock;
	pthread_cond_t to_worker;
	pthread_cond_t to_caller;
	struct hv_job *slot; /* submitted, not yet taken */
	bool dead;           /* a call passed its deadline */
	bool quit;
	unsigned int refs;  /* caller and worker */
	struct ha_hv *next; /* while it waits for a worker */
	char *uri;
	virConnectPtr conn; /* the worker's */
};

struct hv_job {
	/* In the worker, with hv->conn open. */
	int (*run)(struct ha_hv *hv, struct hv_job *job, struct ha_err *err);
	/* Releases the whole job, `struct hv_job` included. */
	void (*release)(struct hv_job *job);
	unsigned int refs; /* caller and worker; under the handle's lock */
	bool done;
	int rc;
	struct ha_err err;
};

/* handle.c. hv_call() submits, waits and returns the job's rc; the caller
 * reads results if it is 0, and drops its reference in either case. */
int hv_call(struct ha_hv *hv, struct hv_job *job, uint64_t deadline_ms,
	    struct ha_err *err);
int hv_submit(struct ha_hv *hv, struct hv_job *job, struct ha_err *err);
/* True when the job has ended. Does not declare the handle dead. */
bool hv_wait(struct ha_hv *hv, struct hv_job *job, uint64_t deadline_ms);
/* For jobs of several steps: before the one that changes something. */
bool hv_is_dead(struct ha_hv *hv);
int hv_give_up(struct ha_hv *hv, struct ha_err *err);
void hv_put(struct ha_hv *hv, struct hv_job *job);
int hv_open(const char *uri, uint64_t deadline_ms, struct ha_hv **ret_hv,
	    struct ha_err *err);
void hv_close(struct ha_hv *hv);

/* error.c: the last libvirt error of this thread as errno and sentence.
 * Every libvirt call clears it, virDomainGetName() too: read that before. */
void hv_error_silence(void);
int hv_error(struct ha_err *err, const char *object, const char *what);
/* The same without a sentence. */
int hv_errno(void);
int hv_no_memory(struct ha_err *err);

/* domain.c; the caller frees with virDomainFree(). */
int hv_domain_find(virConnectPtr conn, const char *uuid, const char *name,
		   virDomainPtr *ret_dom, struct ha_err *err);
void hv_autofree_domain(virDomainPtr *dom);
#define hv_autodomain __attribute__((cleanup(hv_autofree_domain)))

/* A job about one domain: copies of what names it, and room for each result. */
struct hv_domain_job {
	struct hv_job job;
	char *uuid;
	char *name; /* the domain's; of hv_channel_path() the channel's */
	struct ha_hv_dom dom;
	char *xml;
	char path[HA_HV_CHANNEL_PATH];
};
/* Either name may be NULL; NULL: no memory. hv_put() frees it. */
struct hv_domain_job *
hv_domain_job_new(int (*run)(struct ha_hv *, struct hv_job *, struct ha_err *),
		  const char *uuid, const char *name);
/* One that has no result. */
int hv_domain_call(int (*run)(struct ha_hv *, struct hv_job *, struct ha_err *),
		   struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		   struct ha_err *err);

int hv_lookup(struct ha_hv *hv, const char *uuid, const char *name,
	      uint64_t deadline_ms, struct ha_hv_dom *ret_dom,
	      struct ha_err *err);
int hv_persistent_xml(struct ha_hv *hv, const char *uuid, const char *name,
		      uint64_t deadline_ms, char **ret_xml, struct ha_err *err);
int hv_shutdown_agent(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		      struct ha_err *err);
int hv_destroy(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	       struct ha_err *err);
int hv_resume(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	      struct ha_err *err);

/* start.c, xml.c */
int hv_start(struct ha_hv *hv, const struct ha_hv_start *spec,
	     uint64_t deadline_ms, char ret_uuid[HA_UUID_TEXT],
	     struct ha_err *err);
/* uuid NULL or "": none is added. ret_xml is malloc()ed. */
int hv_xml_for_start(const struct ha_hv_start *spec, const char *uuid,
		     char **ret_xml, struct ha_err *err);
/* The name in our tag; "" when the element is none of ours. */
void hv_xml_tag(const char *element, char *ret_resource, size_t size);

/* migrate.c */
int hv_migrate(struct ha_hv *hv, const struct ha_hv_migrate *spec,
	       uint64_t deadline_ms, struct ha_err *err);

/* guest.c */
int hv_ping_agent(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		  struct ha_err *err);
int hv_channel_path(struct ha_hv *hv, const char *uuid, const char *channel,
		    uint64_t deadline_ms, char ret_path[HA_HV_CHANNEL_PATH],
		    struct ha_err *err);

/* check.c */
int hv_check_host(struct ha_hv *hv, const char *xml, uint64_t deadline_ms,
		  ha_hv_finding report, void *ctx, struct ha_err *err);

#endif
