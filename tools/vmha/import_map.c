/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VirtualDomain's parameters (resource-agents 4.12) in VirtualMachine's words.
 * A table; what has no counterpart is named and never dropped in silence.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "import.h"

enum rule_kind {
	RULE_COPY,    /* under another name */
	RULE_UNLESS0, /* copied; 0 was the default */
	RULE_MS,      /* the same, a number of milliseconds */
	RULE_ON,      /* true becomes `value`; false is the default here too */
	RULE_GONE,    /* not needed; `text` says why */
	RULE_NEVER,   /* a problem where it is set and not false */
	RULE_OWN,     /* by a function of its own below */
};

static const struct rule {
	const char *from;
	enum rule_kind kind;
	const char *to, *value;
	const char *text;
} RULES[] = {
	{ "config", RULE_COPY, "config", NULL, "" },
	{ "hypervisor", RULE_OWN, NULL, NULL, "" },
	{ "migration_transport", RULE_OWN, NULL, NULL, "" },
	{ "migration_network_suffix", RULE_OWN, NULL, NULL, "" },
	{ "migrateport", RULE_OWN, NULL, NULL, "" },
	{ "migrate_options", RULE_OWN, NULL, NULL, "" },
	{ "shutdown_mode", RULE_OWN, NULL, NULL, "" },
	{ "migration_user", RULE_COPY, "migration_user", NULL, "" },
	{ "migration_speed", RULE_UNLESS0, "migration_bandwidth", NULL,
	  "MiB/s" },
	{ "migration_downtime", RULE_MS, "migration_downtime", NULL, "" },
	{ "migrateuri", RULE_COPY, "migration_uri", NULL, "" },
	{ "remoteuri", RULE_COPY, "migration_connect_uri", NULL, "" },
	{ "force_stop", RULE_ON, "shutdown_mode", "off",
	  "its power is cut, the guest is not asked" },
	{ "autoset_utilization_cpu", RULE_GONE, NULL, NULL,
	  "utilization stays as it stands and is not set by the agent" },
	{ "autoset_utilization_host_memory", RULE_GONE, NULL, NULL,
	  "utilization stays as it stands and is not set by the agent" },
	{ "autoset_utilization_hv_memory", RULE_GONE, NULL, NULL,
	  "utilization stays as it stands and is not set by the agent" },
	{ "unset_utilization_cpu", RULE_GONE, NULL, NULL,
	  "utilization stays as it stands" },
	{ "unset_utilization_host_memory", RULE_GONE, NULL, NULL,
	  "utilization stays as it stands" },
	{ "unset_utilization_hv_memory", RULE_GONE, NULL, NULL,
	  "utilization stays as it stands" },
	{ "monitor_scripts", RULE_NEVER, NULL, NULL,
	  "scripts are not run by the monitor; make them a resource of their "
	  "own, ordered after the VM" },
	{ "save_config_on_stop", RULE_NEVER, NULL, NULL,
	  "the config file is never written by the agent" },
	{ "sync_config_on_stop", RULE_NEVER, NULL, NULL,
	  "the config file is never written by the agent; keep it on shared "
	  "storage" },
	{ "snapshot", RULE_NEVER, NULL, NULL,
	  "stop shuts the guest down and saves no memory" },
	{ "backingfile", RULE_NEVER, NULL, NULL,
	  "no backing file is copied at start" },
	{ "stateless", RULE_NEVER, NULL, NULL,
	  "disks are not put back to a backing file at start" },
	{ "copyindirs", RULE_NEVER, NULL, NULL,
	  "no files are copied into disks at start" },
	{ "start_resources", RULE_NEVER, NULL, NULL,
	  "libvirt's networks and pools are not started; set them to "
	  "autostart" },
};

/* Words of virsh migrate. */
static const struct word {
	const char *word;
	const char *to;    /* NULL: it is always so */
	bool has_argument; /* behind "=" */
} WORDS[] = {
	{ "--live", NULL, false },
	{ "--p2p", NULL, false },
	{ "--verbose", NULL, false },
	{ "--auto-converge", "migration_auto_converge", false },
	{ "--tunnelled", "migration_tunnelled", false },
	{ "--unsafe", "migration_unsafe", false },
	{ "--postcopy", "migration_postcopy", false },
	{ "--compressed", "migration_compressed", false },
	{ "--tls", "migration_tls", false },
	{ "--migrateuri", "migration_uri", true },
	{ "--bandwidth", "migration_bandwidth", true },
	{ "--parallel-connections", "migration_parallel_connections", true },
};

static void
add(struct map *map, const char *from, const char *value, const char *to,
    const char *new_value, const char *text)
{
	if (to) {
		(void)json_object_set_new(map->params, to,
					  json_string(new_value));
	}
	(void)json_array_append_new(
		map->rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "from", from,
				     "value", value, "to", to ? to : "", "new",
				     to ? new_value : "", "text", text));
}

static void problem(struct map *map, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
problem(struct map *map, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(map->problems, json_string(text));
}

static bool
is_zero(const char *value)
{
	return strspn(value, "0") == strlen(value);
}

static void
map_plain(struct map *map, const struct rule *rule, const char *value)
{
	char text[64];

	switch (rule->kind) {
	case RULE_COPY:
		add(map, rule->from, value, rule->to, value, rule->text);
		break;
	case RULE_UNLESS0:
		if (!is_zero(value)) {
			add(map, rule->from, value, rule->to, value,
			    rule->text);
		}
		break;
	case RULE_MS:
		if (!is_zero(value)) {
			snprintf(text, sizeof(text), "%sms", value);
			add(map, rule->from, value, rule->to, text, rule->text);
		}
		break;
	case RULE_ON:
		if (cib_is_true(value)) {
			add(map, rule->from, value, rule->to, rule->value,
			    rule->text);
		}
		break;
	case RULE_GONE:
		add(map, rule->from, value, NULL, "", rule->text);
		break;
	case RULE_NEVER:
		if (*value && strcasecmp(value, "false") != 0 &&
		    strcmp(value, "0") != 0) {
			problem(map, "%s=%s: %s", rule->from, value,
				rule->text);
		}
		break;
	case RULE_OWN:
		break;
	}
}

static const char *
text_of(const json_t *old, const char *name)
{
	return vmha_text(old, name);
}

static void
map_hypervisor(struct map *map, const json_t *old)
{
	const char *uri = text_of(old, "hypervisor");

	if (strcmp(uri, "qemu:///system") == 0 ||
	    strcmp(uri, "qemu:///session") == 0) {
		add(map, "hypervisor", uri, "hypervisor", uri, "");
	} else if (*uri) {
		problem(map,
			"hypervisor=%s: only qemu:///system and "
			"qemu:///session are run",
			uri);
	}
}

static void
map_transport(struct map *map, const json_t *old)
{
	const char *transport = text_of(old, "migration_transport");

	if (strcmp(transport, "ssh") == 0 || strcmp(transport, "tcp") == 0 ||
	    strcmp(transport, "tls") == 0) {
		add(map, "migration_transport", transport,
		    "migration_transport", transport, "");
	} else if (*transport) {
		problem(map, "migration_transport=%s: only ssh, tcp and tls",
			transport);
	} else if (!*text_of(old, "remoteuri")) {
		/* qemu://HOST/system is TLS to libvirt; the agent's own
		 * default is ssh. */
		add(map, "migration_transport", "", "migration_transport",
		    "tls", "what libvirt takes where none is given");
	}
}

/* The port counts together with the suffix alone. */
static void
map_suffix(struct map *map, const json_t *old)
{
	const char *suffix = text_of(old, "migration_network_suffix");
	const char *port = text_of(old, "migrateport");
	char uri[512];

	if (!*suffix) {
		if (*port) {
			add(map, "migrateport", port, NULL, "",
			    "had no effect without migration_network_suffix");
		}
		return;
	}
	if (*port) {
		snprintf(uri, sizeof(uri), "tcp://%%n%s:%s", suffix, port);
		add(map, "migrateport", port, "migration_uri", uri, "");
	} else {
		add(map, "migration_network_suffix", suffix,
		    "migration_network_suffix", suffix,
		    "for memory; libvirt itself is reached by the host's own "
		    "name");
	}
}

static void
map_shutdown(struct map *map, const json_t *old)
{
	const char *mode = text_of(old, "shutdown_mode");
	const char *to = strcmp(mode, "agent") == 0 ? "agent" :
			 strcmp(mode, "acpi") == 0  ? "acpi" :
			 strcmp(mode, "acpi,agent") == 0 ||
					 strcmp(mode, "agent,acpi") == 0 ?
						     "agent-acpi" :
						     NULL;

	if (cib_is_true(text_of(old, "force_stop"))) {
		return;
	}
	if (to) {
		add(map, "shutdown_mode", mode, "shutdown_mode", to, "");
	} else if (*mode) {
		problem(map, "shutdown_mode=%s: only agent, acpi and both",
			mode);
	}
}

static void
map_word(struct map *map, char *word)
{
	char *equals = strchr(word, '=');

	if (equals) {
		*equals++ = '\0';
	}
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		if (strcmp(WORDS[i].word, word) == 0 &&
		    WORDS[i].has_argument == (equals != NULL)) {
			add(map, "migrate_options", word, WORDS[i].to,
			    equals ? equals : "true",
			    WORDS[i].to ? "" : "always so");
			return;
		}
	}
	problem(map, "migrate_options has %s%s%s, which is not known", word,
		equals ? "=" : "", equals ? equals : "");
}

static void
map_options(struct map *map, const json_t *old)
{
	char *words = strdup(text_of(old, "migrate_options"));
	char *rest = NULL;

	for (char *word = words ? strtok_r(words, " \t\n", &rest) : NULL; word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		map_word(map, word);
	}
	free(words);
}

static bool
is_known(const char *name)
{
	for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
		if (strcmp(RULES[i].from, name) == 0) {
			return true;
		}
	}
	return false;
}

void
map_make(const json_t *old, struct map *ret_map)
{
	struct map map = { json_object(), json_array(), json_array() };
	const char *name;
	json_t *value;

	map_hypervisor(&map, old);
	map_transport(&map, old);
	map_suffix(&map, old);
	map_options(&map, old);
	map_shutdown(&map, old);
	for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
		const json_t *at = json_object_get(old, RULES[i].from);

		if (at) {
			map_plain(&map, &RULES[i], json_string_value(at));
		}
	}
	json_object_foreach((json_t *)(uintptr_t)old, name, value)
	{
		if (!is_known(name)) {
			problem(&map, "%s=%s: not known", name,
				json_string_value(value));
		}
	}
	if (!*text_of(old, "config")) {
		problem(&map, "it has no parameter config");
	}
	*ret_map = map;
}

void
map_done(struct map *map)
{
	json_decref(map->params);
	json_decref(map->rows);
	json_decref(map->problems);
}
