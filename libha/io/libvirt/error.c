/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's errors in the project's terms: one table maps its code to an
 * errno and to what the operator should do; the sentence itself is libvirt's
 * own, since it names the object. Its habit of printing to stderr is switched
 * off, because an agent's stderr is Pacemaker's log.
 */
#include <errno.h>
#include <libvirt/virterror.h>
#include <pthread.h>

#include "hv.h"

#define HINT_CONNECT \
	"is libvirtd or virtqemud running (systemctl status libvirtd)?"

static const struct {
	int code;
	int rc;
	const char *hint;
} table[] = {
	{ VIR_ERR_NO_DOMAIN, -ENOENT, "" },
	{ VIR_ERR_NO_CONNECT, -ENOTCONN, HINT_CONNECT },
	{ VIR_ERR_INVALID_CONN, -ENOTCONN, HINT_CONNECT },
	{ VIR_ERR_RPC, -ENOTCONN, HINT_CONNECT },
	{ VIR_ERR_DOM_EXIST, -EEXIST, "" },
	{ VIR_ERR_AUTH_FAILED, -EACCES, "check libvirt's authentication" },
	{ VIR_ERR_AUTH_CANCELLED, -EACCES, "check libvirt's authentication" },
	{ VIR_ERR_AUTH_UNAVAILABLE, -EACCES, "check libvirt's authentication" },
	{ VIR_ERR_ACCESS_DENIED, -EACCES, "check libvirt's polkit rules" },
	{ VIR_ERR_OPERATION_DENIED, -EACCES, "the connection is read-only" },
	{ VIR_ERR_XML_ERROR, -EINVAL, "correct the domain XML" },
	{ VIR_ERR_XML_DETAIL, -EINVAL, "correct the domain XML" },
	{ VIR_ERR_XML_INVALID_SCHEMA, -EINVAL, "correct the domain XML" },
	{ VIR_ERR_INVALID_ARG, -EINVAL, "" },
	{ VIR_ERR_CONFIG_UNSUPPORTED, -ENOTSUP,
	  "this host's QEMU or libvirt can't do that" },
	{ VIR_ERR_NO_SUPPORT, -ENOTSUP, "" },
	{ VIR_ERR_OPERATION_UNSUPPORTED, -ENOTSUP, "" },
	{ VIR_ERR_ARGUMENT_UNSUPPORTED, -ENOTSUP, "" },
	{ VIR_ERR_NO_MEMORY, -ENOMEM, "" },
	{ VIR_ERR_RESOURCE_BUSY, -EBUSY, "" },
	{ VIR_ERR_OPERATION_TIMEOUT, -EBUSY,
	  "another job holds the machine, see virsh domjobinfo" },
	{ VIR_ERR_OPERATION_ABORTED, -ECANCELED, "" },
	{ VIR_ERR_AGENT_UNRESPONSIVE, -EHOSTDOWN,
	  "the guest agent does not answer" },
	{ VIR_ERR_AGENT_UNSYNCED, -EHOSTDOWN,
	  "the guest agent does not answer" },
	{ VIR_ERR_MIGRATE_UNSAFE, -EPERM,
	  "put the disk on storage that both hosts share, or set "
	  "migration_unsafe=true" },
};

static void
quiet(void *ctx, virErrorPtr error)
{
	(void)ctx;
	(void)error;
}

static void
silence_once(void)
{
	virSetErrorFunc(NULL, quiet);
}

void
hv_error_silence(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, silence_once);
}

/* A connection that breaks is VIR_ERR_SYSTEM_ERROR or INTERNAL_ERROR of the
 * RPC domain: no code of its own. */
static int
classify(virErrorPtr error, const char **ret_hint)
{
	*ret_hint = "";
	if (!error) {
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (table[i].code == error->code) {
			*ret_hint = table[i].hint;
			return table[i].rc;
		}
	}
	if (error->domain == VIR_FROM_RPC) {
		*ret_hint = HINT_CONNECT;
		return -ENOTCONN;
	}
	return -EIO;
}

int
hv_errno(void)
{
	const char *hint;

	return classify(virGetLastError(), &hint);
}

int
hv_error(struct ha_err *err, const char *object, const char *what)
{
	virErrorPtr error = virGetLastError();
	const char *hint;
	int rc = classify(error, &hint);

	return ha_err_set(err, rc, "%s: %s failed: %s%s%s", object, what,
			  error && error->message ? error->message :
						    "no reason given",
			  *hint ? "; " : "", hint);
}

int
hv_no_memory(struct ha_err *err)
{
	return ha_err_set(err, -ENOMEM, "libvirt: out of memory");
}
