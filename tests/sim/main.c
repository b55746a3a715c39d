/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha-sim: runs schedules of the simulated heartbeat protocol, one per seed,
 * and tells the story of the first that breaks an invariant.
 * Exit status: 0 nothing broke, 1 something did, 2 usage.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

#define SEEDS_DEFAULT 2000
#define STORY_LINES 70
#define STORY_ALL_LINES 200000
#define NAMES_SIZE 256

struct options {
	uint64_t from, seeds;
	bool is_story, is_proof;
	uint64_t off;   /* RULE_BIT()s */
	enum rule rule; /* whose schedules; RULE_NONE: all */
};

static void
usage(void)
{
	printf("usage: vmha-sim [--seeds N] [--from S] [--off RULE[,RULE]]\n"
	       "       vmha-sim --seed S [--story] [--off RULE[,RULE]]\n"
	       "       vmha-sim --prove    each rule off: is it missed?\n"
	       "       vmha-sim --rules    the rules that can be off\n");
}

static void
print_rules(void)
{
	uint32_t i;

	for (i = 1; i < RULE_N; i++) {
		const struct rule_row *row = &rule_table[i];

		printf("%-20s SAFETY %-6s %s%s%s%s\n", row->name, row->safety,
		       row->text, row->with ? " (" : "",
		       row->with ? rule_table[row->with].name : "",
		       row->with ? " carries it)" : "");
	}
}

static struct world *
world_new(uint32_t story_lines)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w && story_lines) {
		w->story = calloc(story_lines, sizeof(*w->story));
		w->story_size = story_lines;
		w->is_story = true;
	}
	if (!w || (story_lines && !w->story)) {
		fputs("vmha-sim: no memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return w;
}

static void
world_free(struct world *w)
{
	free(w->story);
	free(w);
}

/* Runs one seed again, this time with words. */
static bool
tell(uint64_t seed, uint64_t off, uint32_t lines)
{
	struct world *w = world_new(lines);
	char names[NAMES_SIZE];
	bool is_failed;

	world_init(w, seed, off);
	world_run(w);
	story_print(w);
	is_failed = w->failure.is_set;
	if (is_failed) {
		rules_name(off, names, sizeof(names));
		printf("replay: vmha-sim --seed %llu --story%s%s\n",
		       (unsigned long long)seed, off ? " --off " : "", names);
	}
	world_free(w);
	return is_failed;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Even seeds have VMs and locks, odd ones heartbeats alone; some are aimed. */
static bool
is_of(uint64_t seed, enum rule rule)
{
	const struct rule_row *row = &rule_table[rule];

	if (rule == RULE_NONE) {
		return true;
	}
	if (row->aim != AIM_NONE) {
		return aimed_at(seed) == row->aim;
	}
	return (seed % 2 == 0) == row->is_lock;
}

static bool
is_failing(struct world *w, uint64_t seed, uint64_t off)
{
	world_init(w, seed, off);
	world_run(w);
	return w->failure.is_set;
}

/* What must be off for a failure. */
static uint64_t
rule_set(enum rule rule)
{
	const struct rule_row *row = &rule_table[rule];

	return RULE_BIT(rule) | (row->with ? RULE_BIT(row->with) : 0);
}

/* Is one of the two enough? */
static bool
is_alone(struct world *w, uint64_t seed, enum rule rule)
{
	return is_failing(w, seed, RULE_BIT(rule)) ||
	       is_failing(w, seed, RULE_BIT(rule_table[rule].with));
}

/* The number of seeds run until one failed, or 0. */
static uint64_t
search(struct world *w, const struct options *o, uint64_t seeds,
       uint64_t *ret_seed)
{
	uint64_t events = 0;
	uint64_t verdicts = 0;
	double began = seconds();
	double took;
	bool is_failed;
	uint64_t i;

	for (i = 0; i < seeds; i++) {
		if (seeds > 1 && !is_of(o->from + i, o->rule)) {
			continue;
		}
		is_failed = is_failing(w, o->from + i, o->off);
		events += w->events_run;
		verdicts += w->verdicts;
		/* Of two rules both must be off. */
		if (is_failed && o->is_proof && rule_table[o->rule].with) {
			is_failed = !is_alone(w, o->from + i, o->rule);
		}
		if (is_failed) {
			*ret_seed = o->from + i;
			return i + 1;
		}
	}
	took = seconds() - began;
	printf("%llu schedules, %llu events, %llu verdicts in %.1f s: %.0f "
	       "schedules a second\n",
	       (unsigned long long)seeds, (unsigned long long)events,
	       (unsigned long long)verdicts, took,
	       (double)seeds / (took > 0 ? took : 1e-9));
	return 0;
}

/* Each rule off: a failure must be found within its bound, or nothing shows
 * that the simulator would notice its loss. */
static int
prove(struct world *w, uint64_t rules)
{
	struct options o = { .is_proof = true };
	char names[NAMES_SIZE];
	uint32_t missed = 0;
	uint32_t carried = 0;
	uint32_t i;

	for (i = 1; i < RULE_N; i++) {
		const struct rule_row *row = &rule_table[i];
		uint64_t seed = 0;

		if (rules && !(rules & RULE_BIT(i))) {
			carried++;
			continue;
		}
		if (!row->seeds) {
			printf("none %-20s carried by other rules, or rare\n",
			       row->name);
			carried++;
			continue;
		}
		o.rule = (enum rule)i;
		o.off = rule_set(o.rule);
		o.from = row->from ? row->from : 1;
		rules_name(o.off, names, sizeof(names));
		if (search(w, &o, row->seeds, &seed)) {
			(void)is_failing(w, seed, o.off);
			printf("ok   %-20s seed %llu: %s\n", names,
			       (unsigned long long)seed, w->failure.text);
		} else {
			printf("MISS %-20s nothing within %u seeds\n", names,
			       row->seeds);
			missed++;
		}
	}
	printf("%u passed, %u failed\n", RULE_N - 1 - missed - carried, missed);
	return missed ? 1 : 0;
}

/* The first rule that is off says which schedules it is looked for in. */
static enum rule
first_of(uint64_t off)
{
	uint32_t i;

	for (i = 1; i < RULE_N; i++) {
		if (off & RULE_BIT(i)) {
			return (enum rule)i;
		}
	}
	return RULE_NONE;
}

static int
parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "off", required_argument, NULL, 'o' },
		{ "story", no_argument, NULL, 't' },
		{ "prove", no_argument, NULL, 'p' },
		{ "rules", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->seeds = strtoull(optarg, NULL, 10);
			break;
		case 's':
			o->seeds = 1;
			o->from = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			o->from = strtoull(optarg, NULL, 10);
			break;
		case 'o':
			if (!rules_parse(optarg, &o->off)) {
				fputs("vmha-sim: no such rule; --rules lists "
				      "them\n",
				      stderr);
				return 2;
			}
			o->rule = first_of(o->off);
			break;
		case 't':
			o->is_story = true;
			break;
		case 'p':
			o->is_proof = true;
			break;
		case 'r':
			print_rules();
			return 0;
		case 'h':
			usage();
			return 0;
		default:
			usage();
			return 2;
		}
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct options o = { .from = 1, .seeds = SEEDS_DEFAULT };
	struct world *w;
	uint64_t seed = 0;
	int code = parse(argc, argv, &o);

	if (code >= 0) {
		return code;
	}
	if (o.is_story) {
		return tell(o.from, o.off, STORY_ALL_LINES) ? 1 : 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	w = world_new(0);
	if (o.is_proof) {
		code = prove(w, o.off);
	} else {
		code = search(w, &o, o.seeds, &seed) ? 1 : 0;
		if (code) {
			tell(seed, o.off, STORY_LINES);
		}
	}
	world_free(w);
	return code;
}
