/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dlopen() of the libvirt module: it drags in 57 shared libraries and 10 to
 * 17 ms, which no monitor should pay.
 */
#include <dlfcn.h>
#include <errno.h>

#include "ha/hvload.h"

#define MODULE VMHA_LIBEXECDIR "/vmha-libvirt.so"

int
ha_hv_load(const struct ha_hv_ops **ret_ops, struct ha_err *err)
{
	/* Never unloaded: a call that hangs may still run in it. */
	void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
	const struct ha_hv_ops *ops;

	if (!module) {
		return ha_err_set(err, -ENOENT,
				  "the libvirt module can't be loaded: %s; "
				  "install the package again, and libvirt's "
				  "client library",
				  dlerror());
	}
	ops = dlsym(module, HA_HV_SYMBOL);
	if (!ops || ops->abi != HA_HV_ABI) {
		return ha_err_set(err, -ENOEXEC,
				  "%s is of another version than this agent; "
				  "install both from one package",
				  MODULE);
	}
	*ret_ops = ops;
	return 0;
}
