/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What no single row of ocf:vmha:FaultDomain's table can say: the list of
 * isolation addresses, and rules between parameters. Looks at nothing but the
 * values; whether an address answers is another question.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "ha/fdmparams.h"
#include "ha/text.h"

#define SEPARATORS " \t\n,;"
#define ADDRESS_BYTES 16 /* struct in6_addr */

/* inet_pton() knows no scope; an interface name has no blank or slash. */
static bool
is_address(const char *word)
{
	unsigned char bytes[ADDRESS_BYTES];
	char address[HA_ADDRESS_TEXT];
	const char *scope = strchr(word, '%');
	size_t len = scope ? (size_t)(scope - word) : strlen(word);

	if (len >= sizeof(address)) {
		return false;
	}
	memcpy(address, word, len);
	address[len] = '\0';
	if (scope) {
		return scope[1] && !strpbrk(scope + 1, "%/") &&
		       inet_pton(AF_INET6, address, bytes) == 1;
	}
	return inet_pton(AF_INET, address, bytes) == 1 ||
	       inet_pton(AF_INET6, address, bytes) == 1;
}

static bool
has_address(const struct ha_fdm_addresses *addresses, const char *word)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (strcmp(addresses->text[i], word) == 0) {
			return true;
		}
	}
	return false;
}

static int
add_address(struct ha_fdm_addresses *addresses, const char *word,
	    struct ha_err *err)
{
	if (!is_address(word)) {
		return ha_err_set(err, -EINVAL,
				  "parameter isolation_addresses: \"%s\" is no "
				  "IP address; give IPv4 or IPv6 addresses, "
				  "link-local ones as ADDRESS%%INTERFACE",
				  word);
	}
	if (has_address(addresses, word)) {
		return 0;
	}
	if (addresses->count == HA_ADDRESSES_MAX) {
		return ha_err_set(
			err, -EINVAL,
			"parameter isolation_addresses: \"%s\" is one "
			"too many; give up to %d addresses",
			word, HA_ADDRESSES_MAX);
	}
	return ha_text_copy(addresses->text[addresses->count++],
			    HA_ADDRESS_TEXT, word);
}

/* The first bad word gives the sentence, the good ones all count: one typing
 * error must not make a host deaf to its other addresses. */
int
ha_fdm_addresses_parse(const char *list, struct ha_fdm_addresses *ret_addresses,
		       struct ha_err *err)
{
	int rc = 0;

	memset(ret_addresses, 0, sizeof(*ret_addresses));
	while (list && *list) {
		struct ha_err *say = rc < 0 ? NULL : err;
		char word[HA_ADDRESS_TEXT];
		size_t len;
		int bad;

		list += strspn(list, SEPARATORS);
		len = strcspn(list, SEPARATORS);
		if (len == 0) {
			break;
		}
		if (len < sizeof(word)) {
			memcpy(word, list, len);
			word[len] = '\0';
			bad = add_address(ret_addresses, word, say);
		} else {
			bad = ha_err_set(say, -EINVAL,
					 "parameter isolation_addresses: "
					 "\"%.*s...\" is too long for an IP "
					 "address; separate them by blanks",
					 HA_ADDRESS_TEXT - 1, list);
		}
		rc = rc < 0 ? rc : bad;
		list += len;
	}
	return rc;
}

#define WAIT_WORD 16 /* "86400000ms" and more */
#define MS_MIN 1000u
#define MS_MAX (24u * 60u * 60u * 1000u)
#define MINUTE_MS 60000u

/* A bare number is minutes, as vSphere counts them. */
static int
parse_wait(const char *word, uint32_t *ret_ms)
{
	uint64_t ms = 0;
	int rc = ha_text_uint64(word, &ms);

	if (rc == 0) {
		ms = ms <= MS_MAX / MINUTE_MS ? ms * MINUTE_MS : MS_MAX + 1;
	} else {
		rc = ha_text_duration_ms(word, &ms);
	}
	if (rc < 0 || ms < MS_MIN || ms > MS_MAX) {
		return -EINVAL;
	}
	*ret_ms = (uint32_t)ms;
	return 0;
}

int
ha_fdm_waits_parse(const char *list, struct ha_fdm_waits *ret_waits,
		   struct ha_err *err)
{
	static const struct ha_fdm_waits DEFAULT = {
		.count = 4,
		.ms = { 2 * MINUTE_MS, 4 * MINUTE_MS, 8 * MINUTE_MS,
			16 * MINUTE_MS },
	};
	struct ha_fdm_waits waits = { .count = 0 };

	while (list && *(list += strspn(list, SEPARATORS))) {
		size_t len = strcspn(list, SEPARATORS);
		char word[WAIT_WORD] = "";

		if (waits.count == HA_WAITS_MAX) {
			return ha_err_set(err, -EINVAL,
					  "parameter restart_retry_waits: "
					  "more than %u waits; the last one "
					  "goes on anyway",
					  HA_WAITS_MAX);
		}
		if (len < sizeof(word)) {
			memcpy(word, list, len);
		}
		if (parse_wait(word, &waits.ms[waits.count]) < 0) {
			return ha_err_set(
				err, -EINVAL,
				"parameter restart_retry_waits: "
				"\"%.*s\" is no wait; give minutes, "
				"or a number with its unit (30s), "
				"1s to 24h each",
				(int)(len < WAIT_WORD ? len : WAIT_WORD), list);
		}
		waits.count++;
		list += len;
	}
	*ret_waits = waits.count ? waits : DEFAULT;
	return 0;
}

static bool
can_tell_isolation(const struct ha_fdm_params *params)
{
	struct ha_fdm_addresses addresses;

	(void)ha_fdm_addresses_parse(params->isolation_addresses, &addresses,
				     NULL);
	return addresses.count > 0 || params->use_default_gateway;
}

/* Without any address every host that hears nobody takes itself for isolated:
 * a dead switch between the hosts would be enough. */
static int
check_response(const struct ha_fdm_params *params, struct ha_err *err)
{
	if (params->isolation_response == HA_FDM_RESPONSE_NONE ||
	    can_tell_isolation(params)) {
		return 0;
	}
	return ha_err_set(
		err, -EINVAL,
		"parameter isolation_response: \"%s\" needs an address to tell "
		"isolation by; give isolation_addresses, or "
		"use_default_gateway=true",
		params->isolation_response == HA_FDM_RESPONSE_POWEROFF ?
			"poweroff" :
			"shutdown");
}

static int
check_overhead(const char *name, const char *text, struct ha_err *err)
{
	struct ha_fdm_overhead overhead;

	return ha_fdm_overhead_parse(text, &overhead) == 0 ?
		       0 :
		       ha_err_set(err, -EINVAL,
				  "parameter %s: \"%.80s\" is no overhead; "
				  "give a number, a share of 0%% to 100%%, or "
				  "both: \"1024 2%%\"",
				  name, text);
}

/* Both are looked at, the first bad one is told, and has its default. */
static int
check_overheads(const char **cpu, const char **memory, struct ha_err *err)
{
	int rc = check_overhead("host_cpu_overhead", *cpu, err);
	int bad = check_overhead("host_memory_overhead", *memory,
				 rc < 0 ? NULL : err);

	*cpu = rc < 0 ? HA_FDM_CPU_OVERHEAD : *cpu;
	*memory = bad < 0 ? HA_FDM_MEMORY_OVERHEAD : *memory;
	return rc < 0 ? rc : bad;
}

/* A policy that names nobody to keep empty keeps nothing free. */
static int
check_admission(const struct ha_fdm_params *params, struct ha_err *err)
{
	struct ha_admission_policy policy;
	int rc = ha_fdm_admission(params, &policy, err);

	if (rc == 0 && policy.type == HA_ADMISSION_DEDICATED &&
	    ha_text_is_empty(params->failover_hosts)) {
		rc = ha_err_set(err, -EINVAL,
				"parameter admission_policy: \"dedicated\" "
				"needs failover_hosts: the nodes to be kept "
				"empty");
	}
	return rc;
}

int
ha_fdm_params_check(const struct ha_fdm_params *params, struct ha_err *err)
{
	struct ha_fdm_addresses addresses;
	struct ha_fdm_waits waits;
	int rc = ha_fdm_addresses_parse(params->isolation_addresses, &addresses,
					err);

	if (rc == 0) {
		rc = ha_fdm_waits_parse(params->restart_retry_waits, &waits,
					err);
	}
	if (rc == 0) {
		const char *cpu = params->host_cpu_overhead;
		const char *memory = params->host_memory_overhead;

		rc = check_overheads(&cpu, &memory, err);
	}
	if (rc == 0) {
		rc = check_admission(params, err);
	}
	return rc < 0 ? rc : check_response(params, err);
}

int
ha_fdm_params_lenient(ha_param_getter get, void *ctx,
		      struct ha_fdm_params *ret_values, struct ha_err *err)
{
	struct ha_fdm_addresses addresses;
	struct ha_fdm_waits waits;
	int rc = 0;
	int bad;

	memset(ret_values, 0, sizeof(*ret_values));
	for (const struct ha_param *p = HA_FDM_PARAMS; p->name; p++) {
		bad = ha_param_set(p, get(ctx, p->name), ret_values,
				   rc < 0 ? NULL : err);
		if (bad < 0) {
			rc = rc < 0 ? rc : bad;
			(void)ha_param_set(p, NULL, ret_values, NULL);
		}
	}
	bad = ha_fdm_addresses_parse(ret_values->isolation_addresses,
				     &addresses, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : bad;
	bad = ha_fdm_waits_parse(ret_values->restart_retry_waits, &waits,
				 rc < 0 ? NULL : err);
	if (bad < 0) {
		ret_values->restart_retry_waits = NULL;
	}
	rc = rc < 0 ? rc : bad;
	bad = check_overheads(&ret_values->host_cpu_overhead,
			      &ret_values->host_memory_overhead,
			      rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : bad;
	bad = check_admission(ret_values, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : bad;
	bad = check_response(ret_values, rc < 0 ? NULL : err);
	if (bad < 0) {
		ret_values->isolation_response = HA_FDM_RESPONSE_NONE;
	}
	return rc < 0 ? rc : bad;
}
