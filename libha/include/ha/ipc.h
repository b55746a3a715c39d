/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions to the heartbeat daemon: one JSON object each way in one packet
 * of a Unix SOCK_SEQPACKET socket, root and haclient only (SO_PEERCRED).
 * Every wait has a deadline. libqb's IPC would cost an agent 1 ms before its
 * first byte.
 *
 * A request:  {"v":1, "op":"status", ...}
 * An answer:  {"v":1, "ok":true, ...} or
 *             {"v":1, "ok":false, "errno":N, "error":"sentence"}
 * Unknown members are ignored, an unknown op is answered with ENOSYS: hosts
 * and programs of two versions get along. The operations:
 *
 *   status      everything `vmha heartbeat status` shows: "self", "cluster",
 *               "timing", "stores":[], "hosts":[], "watchdog", "brake"
 *   vms         host -> "vms":[{uuid, resource, state, since: the list's
 *               generation that gave it this state}], list of a host as it is
 *               in force: "released" also by a record of the master; its
 *               "incarnation" and "generation"; "current": the newest beat
 *               names exactly this one
 *   fence-facts host, action, [about], [was_member] -> ha/wire.h
 *   order       host, kind ("test", "reset", "off", "seal", "unseal") -> "nonce"
 *               unseal: of the master alone, with "generation" of the list that
 *               it has settled and "ring_seq" of the membership that it saw;
 *               answered once the members have confirmed that they are there.
 *               EAGAIN: they have not, or the membership is another one
 *   order-state host, nonce -> "acked", "result"
 *   fenced      host, why, evidence: to be logged and remembered
 *   announce    uuid, resource, state, budget_ms, [target], [ticket_term] ->
 *               when flushed and nobody else holds the VM; outgoing with a
 *               target: when that host lists it as incoming, too. ESTALE, for
 *               starting and incoming: the ticket's term that was told last is
 *               over, and no manager is here to tell a newer one: read it from
 *               the CIB, and ask again with it
 *   withdraw    uuid, resource, budget_ms, [since] -> when flushed. ESTALE:
 *               prove again that it does not run here. "kept": an entry
 *               incoming stays, since another host may still send it. since:
 *               only the entry "running" that "vms" told with it; ESTALE: it
 *               is another one now. Where the storage is lost: when the master
 *               has written it down (ha/release.h)
 *   hold        host, incarnation, generation, term, vms: [{uuid, resource}]
 *               -> flushed on w: "placed" and "standing" counts. ESTALE: the
 *               master has lifted that already, or the host has booted again
 *   lift        the same, by the master alone, with its term: ends these holds
 *               [ring_seq], and EAGAIN, as with unseal
 *   holds       [from, stamp] -> "holds":[{uuid, resource, kind, owner,
 *               owner_incarnation, owner_generation, term, by}], kind "owner",
 *               "policy", "lifted", "confirmed-dead" or "released", uuid and
 *               resource may be empty; "complete": all hosts' hold lists that
 *               their newest beats name are read, else "unread":[names];
 *               "stamp"; "next", when the packet was full: ask again with it as
 *               "from", and with the stamp. ESTALE: a list changed meanwhile,
 *               begin again
 *   master      on, lease_ms -> "term": this host's fault domain manager is
 *               master for so long, flushed on w; on=false ends it.
 *               [ring_seq], and EAGAIN, as with unseal: what was read of that
 *               membership before is confirmed by the answer. ESTALE: another
 *               host has taken a newer term meanwhile
 *   tickets     tickets: [{resource, term}]: what the local CIB says, for the
 *               start gate (SAFETY 19); replaces what was said before
 *   isolated    on: this host declares itself isolated, in its beats
 *   protect     term, total, from, vms: [{uuid, resource, state, order}] -> the
 *               protected list, whole or part after part ("next"), by the master
 *               alone, as with lift; the last part is answered when the list is
 *               flushed on w: "generation"
 *   protected   [from, term, generation] -> the newest protected list of r
 *               datastores: "term", "generation", "by", "count", "vms":[{uuid,
 *               resource, state ("protected", "off"), order}]; "flushed": on w;
 *               "complete", or "why" not; "next" as with holds
 *   confirm-dead host, [force] -> flushed: an administrator's word; "incarnation"
 *               and "sequence" that it is about. EBUSY: it beats or is a member.
 *               EPERM: no quorum here, unless forced
 *   disarm, arm planned work, whole cluster -> "hosts":[{name, acked}]
 *
 * The fault domain manager (vmha-fdmd) answers on HA_IPC_FDM_PATH:
 *
 *   may-hold    host -> ok, or errno EPERM with the resource that forbids it
 *   hold        host, incarnation, generation, budget_ms -> its VMs are held, on
 *               disk and in the CIB: "placed", "standing"
 *   hold-back   host: it is dead. VMs that have to wait for others (restart
 *               order) have their tickets revoked: "kept"; always ok
 *   ended       resource, [gone: it had ended before]: the VM's agent has stopped
 *               it, and says so before Pacemaker hears of it. One that has
 *               crashed too often has its ticket revoked: "kept"; always ok
 *   promote, demote   the agent's word of what Pacemaker has done
 *   power-on    resource: its user wants it to run, though it was kept off at a
 *               cold start, or waits after failures; the master grants its
 *               ticket
 *   status      "state", "is_master", "term", "dc", "election", "isolation",
 *               "hosts", "vms"
 *   vm          resource -> all that is known of one VM and its ticket
 */
#ifndef HA_IPC_H
#define HA_IPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"

#define HA_IPC_VERSION 1
#define HA_IPC_PATH "/run/vmha/heartbeatd.sock"
#define HA_IPC_FDM_PATH "/run/vmha/fdmd.sock" /* of the fault domain manager */
#define HA_IPC_GROUP "haclient"
#define HA_IPC_PACKET (192u * 1024u) /* below net.core.wmem_default 208 KiB */

/* Asks and waits for the answer; "v" is added here. *ret_answer is the caller's (json_decref).
 * -ENOTCONN: no daemon; -ETIMEDOUT; -EPROTO: not an answer; the answer's own
 * errno (negative) with its sentence when it says ok:false. */
int ha_ipc_ask(const char *path, const json_t *request, uint64_t deadline_ms,
	       json_t **ret_answer, struct ha_err *err);

/* ---- the daemon's end: every call returns at once ---------------------- */

/* Binds, 0660 root:haclient (root alone where there is no such group).
 * -EADDRINUSE: a daemon answers there already; a dead socket is replaced. */
int ha_ipc_listen(const char *path, int *ret_fd, struct ha_err *err);
/* A client allowed to ask; -EAGAIN: none there; -EACCES: one that is not
 * (already closed). */
int ha_ipc_accept(int listen_fd, int *ret_fd, struct ha_err *err);
/* One request of a client. 1: the client has gone. -EAGAIN: nothing there.
 * -EPROTO: nonsense. */
int ha_ipc_receive(int fd, json_t **ret_request, struct ha_err *err);
/* Never waits: a client that doesn't read is to be dropped (-EAGAIN), as is
 * one that has gone (-EPIPE, -ECONNRESET). -EMSGSIZE: the answer is longer than
 * HA_IPC_PACKET, the client was told so instead. */
int ha_ipc_reply(int fd, const json_t *answer);
/* {"v":1,"ok":true} and {"v":1,"ok":false,...}; NULL: no memory. */
json_t *ha_ipc_ok(void);
json_t *ha_ipc_failed(int code, const char *sentence);

#endif
