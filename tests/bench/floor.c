/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program costs before it does anything: started, linked, ended. Built
 * twice, with libc alone and with the libraries that the agent links; the
 * distance of the agent's monitor from these two is what its own work costs.
 */
#ifdef FLOOR_LIBS
#include <expat.h>
#include <jansson.h>

int
main(void)
{
	/* A reference each, or the linker leaves the libraries out. */
	json_t *value = json_null();

	return XML_ExpatVersion() && json_is_null(value) ? 0 : 1;
}
#else
int
main(void)
{
	return 0;
}
#endif
