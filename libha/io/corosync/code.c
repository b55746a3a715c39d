/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Corosync's results as negative errno. What the libraries say when the
 * daemon has gone differs from call to call (LIBRARY, BAD_HANDLE): all of it
 * is -ENOTCONN, and so is everything that has no better name, since a new
 * connection is the only cure.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "corosync.h"

static const struct {
	cs_error_t cs;
	int code;
} codes[] = {
	{ CS_OK, 0 },
	{ CS_ERR_TRY_AGAIN, -EAGAIN },
	{ CS_ERR_BUSY, -EAGAIN },
	{ CS_ERR_QUEUE_FULL, -EAGAIN },
	{ CS_ERR_TIMEOUT, -EAGAIN },
	{ CS_ERR_INTERRUPT, -EAGAIN },
	{ CS_ERR_INVALID_PARAM, -EINVAL },
	{ CS_ERR_NO_MEMORY, -ENOMEM },
	{ CS_ERR_ACCESS, -EACCES },
	{ CS_ERR_SECURITY, -EACCES },
	{ CS_ERR_TOO_BIG, -EMSGSIZE },
};

int
ha__corosync_code(cs_error_t cs)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].cs == cs) {
			return codes[i].code;
		}
	}
	return -ENOTCONN;
}

int
ha__corosync_refused(const char *service, cs_error_t cs, struct ha_err *err)
{
	int code = ha__corosync_code(cs);

	if (code == -EACCES) {
		return ha_err_set(err, code,
				  "corosync lets only root use its %s: run as "
				  "root",
				  service);
	}
	if (code == -ENOMEM) {
		return ha_err_set(
			err, code,
			"no memory for a connection to corosync (%s). "
			"Is /dev/shm full?",
			service);
	}
	return ha_err_set(err, -ENOTCONN,
			  "corosync does not answer (%s: error %d). Is it "
			  "running on this host?",
			  service, (int)cs);
}

int
ha__corosync_no_provider(struct ha_err *err)
{
	return ha_err_set(err, -ENOTSUP,
			  "corosync has no quorum provider. Add \"quorum { "
			  "provider: corosync_votequorum }\" to corosync.conf "
			  "on every host and restart corosync");
}
