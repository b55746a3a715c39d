/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the store and pet threads left behind, and from verdicts that
 * have changed, to log lines. Decides nothing; takes copies under the lock
 * and logs without it.
 */
#include <stdio.h>
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

static void
log_store(const struct hbs *s, const struct hb_event *event)
{
	const char *store = hbs_store_name(s, event->store);

	switch (event->kind) {
	case HB_EVENT_STORE_OK:
		hb_log(HB_LOG_STORE_OK, store);
		break;
	case HB_EVENT_STORE_FAILED:
		hb_log(HB_LOG_STORE_FAILED, store,
		       event->text[0] ? event->text : strerror(-event->code));
		break;
	case HB_EVENT_STORE_SLOW:
		hb_log(HB_LOG_STORE_SLOW, store,
		       (unsigned long long)event->value,
		       s->hb->sb.timing.tolerance_ms);
		break;
	case HB_EVENT_BLOCK:
		if (event->value < HA_BLOCK_VERDICT_N &&
		    event->host < HA_HOSTS_MAX) {
			hb_log(HB_LOG_BLOCK, store,
			       s->hb->table.names[event->host],
			       ha_block_verdict_name(
				       (enum ha_block_verdict)event->value));
		}
		break;
	case HB_EVENT_ARMED:
	case HB_EVENT_DISARMED:
	case HB_EVENT_PET_FAILED:
	case HB_EVENT_NO_EVIDENCE:
	case HB_EVENT_EVIDENCE:
	case HB_EVENT_ORDER:
	case HB_EVENT_RIVAL:
	case HB_EVENT_NOT_OBEYED:
	case HB_EVENT_CLOCK:
	case HB_EVENT_CONFLICT:
		break;
	}
}

static void
log_order(const struct hbs *s, const struct hb_event *event)
{
	enum ha_order_kind kind = (enum ha_order_kind)event->value;
	const char *sender = event->host < HA_HOSTS_MAX ?
				     s->hb->table.names[event->host] :
				     "?";

	if (event->kind == HB_EVENT_RIVAL) {
		hb_log(HB_LOG_RIVAL, sender, ha_order_kind_name(kind), sender);
	} else if (event->kind == HB_EVENT_NOT_OBEYED) {
		hb_log(HB_LOG_NOT_OBEYED, sender, ha_order_kind_name(kind),
		       event->text);
	} else if (kind == HA_ORDER_RESET || kind == HA_ORDER_OFF) {
		hb_log(HB_LOG_ORDERED, sender, ha_order_kind_name(kind));
	} else {
		hb_log(HB_LOG_TOLD, sender, ha_order_kind_name(kind));
	}
}

static void
log_self(const struct hbs *s, const struct hb_event *event)
{
	const struct hb *hb = s->hb;
	unsigned long long value = event->value;

	switch (event->kind) {
	case HB_EVENT_ARMED:
		hb_log(HB_LOG_ARMED, hb->conf.watchdog, hb->watchdog.identity,
		       hb->sb.timing.watchdog_ms);
		break;
	case HB_EVENT_DISARMED:
		hb_log(HB_LOG_DISARMED);
		break;
	case HB_EVENT_PET_FAILED:
		hb_log(HB_LOG_PET_FAILED,
		       event->text[0] ? event->text : strerror(-event->code));
		break;
	case HB_EVENT_NO_EVIDENCE:
		hb_log(HB_LOG_NO_EVIDENCE, value);
		break;
	case HB_EVENT_EVIDENCE:
		hb_log(HB_LOG_EVIDENCE,
		       value < HA_EVIDENCE_N ?
			       ha_evidence_kind_name(
				       (enum ha_evidence_kind)value) :
			       "?");
		break;
	case HB_EVENT_ORDER:
	case HB_EVENT_RIVAL:
	case HB_EVENT_NOT_OBEYED:
		log_order(s, event);
		break;
	case HB_EVENT_CLOCK:
		hb_log(HB_LOG_CLOCK, value);
		break;
	case HB_EVENT_CONFLICT:
		hb_log(HB_LOG_CONFLICT, event->text);
		break;
	case HB_EVENT_STORE_OK:
	case HB_EVENT_STORE_FAILED:
	case HB_EVENT_STORE_SLOW:
	case HB_EVENT_BLOCK:
		break;
	}
}

static void
log_host(const struct hbs *s, uint32_t slot, const struct ha_watch_verdict *v)
{
	const char *name = s->hb->table.names[slot];

	switch (v->proof) {
	case HA_PROOF_ALIVE:
		hb_log(HB_LOG_HOST_LIVE, name,
		       (unsigned long long)v->incarnation);
		break;
	case HA_PROOF_SILENT:
		hb_log(HB_LOG_HOST_SILENT, name);
		break;
	case HA_PROOF_STOPPED:
		hb_log(HB_LOG_HOST_STOPPED, name);
		break;
	case HA_PROOF_CONFIRMED:
		hb_log(HB_LOG_HOST_CONFIRMED, name,
		       (unsigned long long)v->incarnation);
		break;
	case HA_PROOF_STANDING_DOWN:
		hb_log(HB_LOG_HOST_STANDING_DOWN, name);
		break;
	case HA_PROOF_UNGUARDED:
		hb_log(HB_LOG_HOST_UNGUARDED, name);
		break;
	case HA_PROOF_UNKNOWN:
		hb_log(HB_LOG_HOST_UNKNOWN, name, v->needed);
		break;
	case HA_PROOF_REPLACED: /* never of the newest incarnation */
	case HA_PROOF_NEVER:    /* as it was */
	case HA_PROOF_N:
		break;
	}
}

static void
look_at_hosts(struct hbs *s)
{
	struct hb *hb = s->hb;
	uint64_t now_ms = ha_clock_now_ms();

	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		struct hbs_host *host = &s->hosts[slot];
		struct ha_watch_verdict v;
		bool is_out;

		if (slot == hb->self || !hb->table.names[slot][0]) {
			continue;
		}
		pthread_mutex_lock(&hb->lock);
		v = hb_judge(hb, slot, 0);
		pthread_mutex_unlock(&hb->lock);
		is_out = v.proof == HA_PROOF_STOPPED ||
			 v.proof == HA_PROOF_NEVER ||
			 v.proof == HA_PROOF_CONFIRMED;
		if (!is_out) {
			host->stopped_ms = 0;
		} else if (host->stopped_ms == 0) {
			host->stopped_ms = now_ms;
		}
		if (v.proof != host->proof) {
			host->proof = v.proof;
			log_host(s, slot, &v);
		}
	}
}

void
hbs_events_log(struct hbs *s)
{
	struct hb *hb = s->hb;
	static struct hb_event events[HB_EVENTS];
	uint32_t count;
	uint32_t lost;

	pthread_mutex_lock(&hb->lock);
	count = hb->events_count;
	lost = hb->events_lost;
	for (uint32_t i = 0; i < count; i++) {
		events[i] = hb->events[(hb->events_first + i) % HB_EVENTS];
	}
	hb->events_first = (hb->events_first + count) % HB_EVENTS;
	hb->events_count = 0;
	hb->events_lost = 0;
	pthread_mutex_unlock(&hb->lock);
	if (lost > 0) {
		hb_log(HB_LOG_LOST, lost);
	}
	for (uint32_t i = 0; i < count; i++) {
		log_store(s, &events[i]);
		log_self(s, &events[i]);
	}
	look_at_hosts(s);
}
