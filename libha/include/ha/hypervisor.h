/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt, behind a wall. The module that implements this (libha/io/libvirt)
 * is the only code that links libvirt; agents dlopen() it for start, stop,
 * migrate and when other evidence conflicts, because linking it costs 10 to
 * 17 ms an exec. libvirt's calls have no timeout and hang with a hung
 * libvirtd, so every call here runs in a worker thread of the module and
 * returns -ETIMEDOUT at its deadline; the handle is then dead (later calls
 * fail at once with -ETIMEDOUT) and the caller goes on without libvirt.
 * A request that timed out may still be carried out by libvirtd later: see
 * ha_hv_start for how the caller makes it harmless.
 *
 * All calls: 0 or negative errno with a sentence in err. -ENOENT: libvirt
 * answers and knows no such domain. -ENOTCONN: libvirtd can't be reached.
 * -ETIMEDOUT: no answer until the deadline. Deadlines: ha/clock.h.
 */
#ifndef HA_HYPERVISOR_H
#define HA_HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/text.h"

#define HA_HV_CHANNEL_PATH 108 /* sockaddr_un.sun_path */

struct ha_hv;

/* libvirt's virDomainState, in words of ours. */
enum ha_hv_state {
	HA_HV_NONE,    /* NOSTATE, or no such domain */
	HA_HV_RUNNING, /* RUNNING, BLOCKED */
	HA_HV_PAUSED,
	HA_HV_SHUTDOWN, /* being shut down */
	HA_HV_SHUTOFF,
	HA_HV_CRASHED,
	HA_HV_PMSUSPENDED,
};

/* Why paused; of virDomainPausedReason what matters. */
enum ha_hv_reason {
	HA_HV_REASON_OTHER,
	HA_HV_REASON_USER,
	HA_HV_REASON_MIGRATION, /* being migrated out, or in */
	HA_HV_REASON_IOERROR,
	HA_HV_REASON_WATCHDOG,
	HA_HV_REASON_CRASHED,
	HA_HV_REASON_STARTING,
	HA_HV_REASON_POSTCOPY,
	HA_HV_REASON_POSTCOPY_FAILED,
	HA_HV_REASON_SAVE, /* save, snapshot, dump, from-snapshot */
};

struct ha_hv_dom {
	char uuid[HA_UUID_TEXT];
	char name[256];
	enum ha_hv_state state;
	enum ha_hv_reason reason;
	bool persistent;            /* the user defined it on this host */
	bool autostart;             /* libvirtd would start it by itself */
	bool has_managed_save;      /* an old memory image lies in wait */
	bool has_external_snapshot; /* snapshot metadata names external ones */
	char resource[256]; /* our tag in the live metadata, "" if none */
};

struct ha_hv_start {
	const char *xml;      /* domain XML of the user, untouched */
	const char *resource; /* name of the Pacemaker resource, for the tag */
	const char *qmp_path; /* where our own QMP socket goes */
	const char *events_path; /* where another one goes, for who listens
				  * to events; the guest's power off then
				  * ends QEMU, whatever the XML says. NULL:
				  * none */
	const char *uuid;        /* for an XML that has none, and no definition
				* on this host either; NULL: libvirt makes
				* one up */
};

/* Names and units are libvirt's (virDomainMigrateToURI3, virsh migrate). */
struct ha_hv_migrate {
	const char *uuid;
	const char *dest_uri;       /* connection URI seen from this libvirtd,
				    * "qemu+tcp://n2/system" */
	const char *data_uri;       /* "tcp://n2-mig" or NULL */
	const char *listen_address; /* NULL: the hypervisor's default */
	uint64_t bandwidth_mibs;    /* MiB/s, 0: hypervisor's default */
	uint64_t postcopy_bandwidth_mibs;
	uint64_t downtime_ms;              /* 0: hypervisor's default */
	unsigned int parallel_connections; /* 0 or 1: one stream */
	bool auto_converge;
	bool postcopy; /* allowed; switched to after the first
				    * full pass over memory */
	bool tls;
	bool tunnelled;
	bool unsafe; /* skip libvirt's shared storage check */
	bool compressed;
	/* Asked again and again once an abort is under way: has QEMU itself
	 * ended the migration for good, with the guest on this host? libvirt
	 * needs half a minute more to hear so from a target that is dead.
	 * NULL: only libvirt is asked. */
	bool (*is_cancelled)(void *ctx);
	/* Bytes of memory sent so far, asked of QEMU; false: no answer. NULL:
	 * libvirt is asked. */
	bool (*bytes_sent)(void *ctx, uint64_t *ret_bytes);
	void *ctx;
	uint64_t stall_ms; /* give up when no byte has moved for so long: the
			    * target is dead; 0: wait on */
	/* When the deadline for moving memory is near: */
	uint64_t soft_deadline_ms; /* 0: none; else at this time do: */
	enum {
		HA_HV_SOFT_ABORT,   /* give up, the VM stays here */
		HA_HV_SOFT_SUSPEND, /* pause the guest so that it completes */
		HA_HV_SOFT_POSTCOPY /* switch to post-copy */
	} soft_action;
};

/* One finding of ha_hv_check_host; severity 0 note, 1 warning, 2 error. */
typedef void (*ha_hv_finding)(void *ctx, int severity, const char *sentence);

/* The table that the module exports as `ha_hypervisor`. */
struct ha_hv_ops {
	unsigned int abi; /* HA_HV_ABI, checked after dlopen */

	int (*open)(const char *uri, uint64_t deadline_ms,
		    struct ha_hv **ret_hv, struct ha_err *err);
	/* Never blocks; takes NULL. */
	void (*close)(struct ha_hv *hv);

	/* By uuid, or by name when uuid is NULL. */
	int (*lookup)(struct ha_hv *hv, const char *uuid, const char *name,
		      uint64_t deadline_ms, struct ha_hv_dom *ret_dom,
		      struct ha_err *err);

	/* The inactive (persistent) XML of a domain the user defined, with
	 * secrets, as the user would see it; caller frees. */
	int (*persistent_xml)(struct ha_hv *hv, const char *uuid,
			      const char *name, uint64_t deadline_ms,
			      char **ret_xml, struct ha_err *err);

	/* Creates the domain *paused*, with our tag in its live metadata and
	 * our QMP socket. Paused, so that a request which libvirtd carries
	 * out after we gave up never runs a guest; and the caller can revoke
	 * it for good by making qmp_path unusable (a directory in its place:
	 * QEMU then fails before it runs). Never defines or undefines.
	 * -EEXIST: libvirt still has an active domain of that name/uuid. */
	int (*start)(struct ha_hv *hv, const struct ha_hv_start *spec,
		     uint64_t deadline_ms, char ret_uuid[HA_UUID_TEXT],
		     struct ha_err *err);

	/* Asks the guest agent to shut the guest down; returns when asked. */
	int (*shutdown_agent)(struct ha_hv *hv, const char *uuid,
			      uint64_t deadline_ms, struct ha_err *err);

	/* Runs a paused domain by libvirt: the usual second half of a start.
	 * QMP's `cont` instead of it runs the guest, and libvirt notices, but
	 * macvtap interfaces stay down and a lock_manager of qemu.conf takes
	 * no leases: only libvirt's own resume does that. Unlike start it
	 * can't be revoked while the process lives: after -ETIMEDOUT end the
	 * process before anything else. */
	int (*resume)(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		      struct ha_err *err);

	/* Ends an active domain, running or arriving. -ENOENT: there is
	 * none. For the host at the other end of a migration; on this host
	 * the process is ended and proven gone instead. */
	int (*destroy)(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		       struct ha_err *err);

	/* Live migration, peer to peer, whole; returns when it has ended.
	 * 0: the domain is on the destination. -ECANCELED: given up at the
	 * (soft) deadline, the domain is here. At deadline_ms it is aborted
	 * by a second connection, and its end awaited for up to
	 * HA_HV_ABORT_WAIT_MS more (so pass a deadline that much earlier
	 * than your own); -ETIMEDOUT: still no end, the outcome is unknown. */
	int (*migrate)(struct ha_hv *hv, const struct ha_hv_migrate *spec,
		       uint64_t deadline_ms, struct ha_err *err);

	/* Everything that must exist on this host for the domain to run or
	 * migrate: CPU model or device that cannot migrate (host-passthrough,
	 * PCI and USB host devices), NVRAM, TPM state, secrets, ISO images,
	 * disks, networks, bridges, machine type, emulator. */
	int (*check_host)(struct ha_hv *hv, const char *xml,
			  uint64_t deadline_ms, ha_hv_finding report, void *ctx,
			  struct ha_err *err);

	/* Does the guest agent of an active domain answer guest-ping? 0: yes.
	 * -ENODEV: the domain has no channel for one. -EHOSTDOWN and others:
	 * no; where the agent hangs, after at most HA_HV_PING_MS. */
	int (*ping_agent)(struct ha_hv *hv, const char *uuid,
			  uint64_t deadline_ms, struct ha_err *err);

	/* The socket where the host's end of a virtio channel is, of an
	 * active domain. -ENODEV: no such channel, or it is no socket that
	 * QEMU listens on. */
	int (*channel_path)(struct ha_hv *hv, const char *uuid,
			    const char *channel, uint64_t deadline_ms,
			    char ret_path[HA_HV_CHANNEL_PATH],
			    struct ha_err *err);
};

#define HA_HV_ABI 3u
/* libvirt's own bounds: 5 s until an agent is in step, 2 s for its answer. */
#define HA_HV_PING_MS 7000u
#define HA_HV_ABORT_WAIT_MS 3000u
#define HA_HV_SYMBOL "ha_hypervisor"

#endif
