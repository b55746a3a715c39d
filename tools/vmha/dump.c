/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat dump: everything that one area holds, with the verdict of
 * each block. Collected as JSON by dump_json.c and shown from there, so that
 * people and programs see the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

static const char *
text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static long long
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
put_verdict(const struct vmha *v, const char *what, const json_t *block)
{
	const char *verdict = text(block, "verdict");
	bool is_ok = strcmp(verdict, "ok") == 0;
	enum vmha_tone tone = is_ok ? TONE_GOOD : TONE_BAD;

	printf("%-12s %s%s%s%s%s\n", what, vmha_tone_on(&v->screen, tone),
	       verdict, vmha_tone_off(&v->screen, tone), is_ok ? "" : ": ",
	       is_ok ? "" : text(block, "why"));
}

static void
put_superblock(const struct vmha *v, const json_t *root)
{
	const json_t *sb = json_object_get(root, "superblock");
	const json_t *copies = json_object_get(root, "superblocks");

	printf("%s%s%s\n", vmha_tone_on(&v->screen, TONE_STRONG),
	       text(root, "path"), vmha_tone_off(&v->screen, TONE_STRONG));
	put_verdict(v, "superblock", json_array_get(copies, 0));
	put_verdict(v, "its copy", json_array_get(copies, 1));
	if (!sb) {
		return;
	}
	put_verdict(v, "slot table", json_object_get(root, "table"));
	printf("cluster      %s  %s\n", text(sb, "cluster"), text(sb, "uuid"));
	printf("area         %lld of %lld  %s  generation %lld\n",
	       number(sb, "index") + 1, number(sb, "stores"), text(sb, "store"),
	       number(sb, "generation"));
	printf("room         %lld slots, %lld VMs each, %lld protected, %lld "
	       "blocks\n",
	       number(sb, "slots"), number(sb, "vms"),
	       number(sb, "protected_vms"), number(sb, "blocks"));
	printf("times        %s: beat %lld ms, watchdog %lld ms, tolerance "
	       "%lld ms, drift %lld ppm, dead after %lld ms\n",
	       text(sb, "profile"), number(sb, "beat_ms"),
	       number(sb, "watchdog_ms"), number(sb, "tolerance_ms"),
	       number(sb, "drift_ppm"), number(sb, "silence_ms"));
}

static void
put_orders(const json_t *beat)
{
	const json_t *orders = json_object_get(beat, "orders");
	const json_t *acks = json_object_get(beat, "acks");
	const json_t *it;
	size_t i;

	json_array_foreach(orders, i, it)
	{
		printf("  order      %s to slot %lld incarnation %lld, nonce "
		       "%s\n",
		       text(it, "kind"), number(it, "target"),
		       number(it, "incarnation"), text(it, "nonce"));
	}
	json_array_foreach(acks, i, it)
	{
		printf("  answer     to slot %lld, nonce %s: %s\n",
		       number(it, "sender"), text(it, "nonce"),
		       number(it, "result") == 0 ?
			       "done" :
			       strerror((int)-number(it, "result")));
	}
}

static void
put_beat(const struct vmha *v, const json_t *slot)
{
	const json_t *beat = json_object_get(slot, "beat");

	put_verdict(v, "  beat", slot);
	if (!beat) {
		return;
	}
	if (number(beat, "incarnation") == 0) {
		puts("  state      unclaimed: no daemon has used this slot");
		return;
	}
	printf("  state      %s%s%s%s, evidence %s, watchdog %lld ms\n",
	       text(beat, "state"), text(beat, "flags")[0] ? " (" : "",
	       text(beat, "flags"), text(beat, "flags")[0] ? ")" : "",
	       text(beat, "evidence"), number(beat, "watchdog_ms"));
	printf("  beat       %lld of incarnation %lld, boot %s\n",
	       number(beat, "sequence"), number(beat, "incarnation"),
	       text(beat, "boot_id"));
	printf("  ring       %lld, members %s, term %lld\n",
	       number(beat, "ring_seq"), text(beat, "members"),
	       number(beat, "term"));
	printf("  writes     %lld heartbeat datastores, sees %lld VM "
	       "datastores, program %s\n",
	       number(beat, "stores_ok"), number(beat, "stores_seen"),
	       text(beat, "program"));
	put_orders(beat);
}

static void
put_lists(const struct vmha *v, const json_t *lists)
{
	const json_t *list;
	const json_t *vm;
	size_t i;
	size_t j;

	json_array_foreach(lists, i, list)
	{
		const char *verdict = text(list, "verdict");
		bool is_named = json_is_true(json_object_get(list, "named"));
		bool is_bad = is_named && strcmp(verdict, "ok") != 0;
		enum vmha_tone tone = is_bad ? TONE_BAD : TONE_PLAIN;

		printf("  %s copy %zu%s  %s%s%s%s%s", text(list, "kind"),
		       (size_t)number(list, "copy"),
		       is_named ? " (named by the beat)" : "",
		       vmha_tone_on(&v->screen, tone), verdict,
		       vmha_tone_off(&v->screen, tone), is_bad ? ": " : "",
		       is_bad ? text(list, "why") : "");
		if (strcmp(verdict, "ok") == 0) {
			printf(": generation %lld of incarnation %lld, %lld "
			       "entries",
			       number(list, "generation"),
			       number(list, "incarnation"),
			       number(list, "count"));
		}
		putchar('\n');
		json_array_foreach(json_object_get(list, "vms"), j, vm)
		{
			printf("    %-9s %s  %s  since generation %lld\n",
			       text(vm, "state"), text(vm, "uuid"),
			       text(vm, "resource"),
			       number(vm, "since_generation"));
		}
	}
}

static void
put_protected(const struct vmha *v, const json_t *lists)
{
	const json_t *list;
	const json_t *vm;
	size_t i;
	size_t j;

	if (json_array_size(lists) > 0) {
		printf("\n%sprotected list%s\n",
		       vmha_tone_on(&v->screen, TONE_STRONG),
		       vmha_tone_off(&v->screen, TONE_STRONG));
	}
	json_array_foreach(lists, i, list)
	{
		printf("  copy %lld  %s", number(list, "copy"),
		       text(list, "verdict"));
		if (strcmp(text(list, "verdict"), "ok") == 0) {
			printf(": generation %lld of term %lld, by %s, %lld "
			       "entries",
			       number(list, "generation"), number(list, "term"),
			       text(list, "by"), number(list, "count"));
		}
		putchar('\n');
		json_array_foreach(json_object_get(list, "vms"), j, vm)
		{
			printf("    %-9s %s  %s  order %lld\n",
			       text(vm, "state"), text(vm, "uuid"),
			       text(vm, "resource"), number(vm, "order"));
		}
	}
}

static void
put(const struct vmha *v, const json_t *root)
{
	const json_t *slot;
	size_t i;

	put_superblock(v, root);
	json_array_foreach(json_object_get(root, "slots"), i, slot)
	{
		const char *host = text(slot, "host");

		printf("\n%sslot %lld  %s%s\n",
		       vmha_tone_on(&v->screen, TONE_STRONG),
		       number(slot, "slot"), host[0] ? host : "(no host)",
		       vmha_tone_off(&v->screen, TONE_STRONG));
		put_beat(v, slot);
		put_lists(v, json_object_get(slot, "lists"));
	}
	put_protected(v, json_object_get(root, "protected"));
}

int
vmha_dump(struct vmha *v)
{
	struct vmha_area *area = NULL;
	json_t *root = NULL;
	bool is_damaged = false;
	int rc = vmha_area_open(v->args.operand[0], true, &area, &v->err);

	if (rc == 0 && area->verdict == HA_BLOCK_OK) {
		rc = vmha_area_load(area, &v->err);
	}
	if (rc == 0) {
		rc = dump_collect(area, &root, &is_damaged, &v->err);
	}
	vmha_area_close(area);
	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	if (v->args.is_json) {
		rc = vmha_json(v, root);
	} else {
		put(v, root);
		json_decref(root);
		rc = VMHA_OK;
	}
	return rc == VMHA_OK && is_damaged ? VMHA_FAILED : rc;
}
