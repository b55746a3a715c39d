/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See ha/gate.h. A ticket tells what has become of its machine: granted, held
 * or waiting for its turn it is a restart, and only one that its user has
 * powered off, that was refused, or that nobody has judged yet is a power-on.
 * Where there is no ticket, Pacemaker has forgotten it in a power loss, or the
 * machine is new: the protected list tells which. Of a command's question, what
 * may have been told yes by anybody counts until it is seen, or can't be any more.
 */
#include "ha/gate.h"

#include <string.h>

bool
ha_gate_needs(const struct ha_gate_vm *vm)
{
	if (!vm->has_ticket) {
		/* In doubt, better one too many than one left down. */
		return vm->is_list_read && !vm->is_on_list;
	}
	return !vm->is_granted &&
	       (vm->is_unwritten || vm->is_off || vm->is_refused);
}

bool
ha_gate_is_open(enum ha_gate_state state)
{
	return state == HA_GATE_OPEN || state == HA_GATE_ADMITTED;
}

int
ha_gate_order(const struct ha_inv_vm *a, const struct ha_inv_vm *b)
{
	return a->priority != b->priority ?
		       (a->priority < b->priority) -
			       (a->priority > b->priority) :
		       strcmp(a->name, b->name);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

enum ha_gate_change
ha_gate_change(const struct ha_gate_reserved *admitted,
	       const struct ha_gate_reserved *wanted,
	       struct ha_gate_reserved *ret_least)
{
	if (!admitted) {
		*ret_least = *wanted;
		return HA_GATE_UNKNOWN;
	}
	ret_least->cpu_mhz = least(admitted->cpu_mhz, wanted->cpu_mhz);
	ret_least->memory_mb = least(admitted->memory_mb, wanted->memory_mb);
	if (wanted->cpu_mhz > admitted->cpu_mhz ||
	    wanted->memory_mb > admitted->memory_mb) {
		return HA_GATE_RAISE;
	}
	return wanted->cpu_mhz < admitted->cpu_mhz ||
			       wanted->memory_mb < admitted->memory_mb ?
		       HA_GATE_LOWER :
		       HA_GATE_KEEP;
}

struct ha_gate_duty
ha_gate_asked(const struct ha_gate_asked *asked, uint64_t now_ms,
	      uint64_t hold_ms)
{
	/* Whoever asked commits nothing any more by then. */
	if (now_ms >= asked->seen_ms && now_ms - asked->seen_ms >= hold_ms) {
		return (struct ha_gate_duty){ .is_over = true };
	}
	return (struct ha_gate_duty){
		.is_judged = asked->said == HA_GATE_SAID_NOTHING,
		.is_counted = !asked->is_committed &&
			      (asked->said == HA_GATE_SAID_YES ||
			       asked->is_inherited),
	};
}

static bool
is_end(char c)
{
	return c == '\0' || strchr(" ,;:()%", c) != NULL;
}

/* Length of a whole number at the beginning of a word; 0: it is none. */
static size_t
number_at(const char *text, const char *at)
{
	size_t sign = *at == '-';
	size_t len = sign;

	if (at != text && !is_end(at[-1])) {
		return 0;
	}
	while (at[len] >= '0' && at[len] <= '9') {
		len++;
	}
	return len > sign && is_end(at[len]) ? len : 0;
}

bool
ha_gate_is_same_text(const char *a, const char *b)
{
	const char *x = a;
	const char *y = b;

	while (*x && *y) {
		size_t of_x = number_at(a, x);
		size_t of_y = number_at(b, y);

		if (of_x > 0 && of_y > 0) {
			x += of_x;
			y += of_y;
		} else if (*x++ != *y++) {
			return false;
		}
	}
	return *x == *y;
}
