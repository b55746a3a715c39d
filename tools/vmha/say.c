/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vmha tells beside its tables, and which exit code a failure has. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "vmha.h"

static enum vmha_exit
exit_of(int code)
{
	switch (-code) {
	case ENOTCONN:
		return VMHA_NO_DAEMON;
	case ETIMEDOUT:
		return VMHA_TIMEOUT;
	default:
		return VMHA_FAILED;
	}
}

int
vmha_fail(struct vmha *v, int code)
{
	(void)fflush(stdout);
	fprintf(stderr, "vmha: %s\n",
		v->err.text[0] ? v->err.text : strerror(-code));
	return (int)exit_of(code);
}

int
vmha_fail_with(struct vmha *v, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->err.text, sizeof(v->err.text), fmt, ap);
	va_end(ap);
	return vmha_fail(v, code);
}

void
vmha_say(const struct vmha *v, const char *fmt, ...)
{
	va_list ap;

	if (v->args.is_json) {
		return;
	}
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
vmha_warn(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	fputs("vmha: warning: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
vmha_json(struct vmha *v, json_t *object)
{
	int rc = object ? json_dumpf(object, stdout,
				     JSON_INDENT(2) | JSON_PRESERVE_ORDER) :
			  -1;

	json_decref(object);
	if (rc < 0 || putchar('\n') == EOF) {
		return vmha_fail_with(v, -ENOMEM,
				      "can't print JSON: no memory "
				      "or no room");
	}
	return VMHA_OK;
}
