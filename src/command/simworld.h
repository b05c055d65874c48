/* simworld.h - a made-up Internet that knocks at one sensor: which packet comes next, and when.
 *
 * Sources live in real address blocks of some thirty-five countries, so that any country database
 * tells the same story; the sensor's network is a documentation one. A source isn't stored but
 * derived: its number in its country and the days it lives give its address, its habits and its
 * operating system, so memory doesn't grow with the time. Integers only where it matters: the same
 * seed and start give the same packets on every machine.
 *
 *     struct sim_world *w = sim_world_new(seed, start, seconds, rate);
 *     while (sim_world_next(w, &knock))
 *         ...
 *     sim_world_free(w);
 *
 * What happens over the time: day and night by country; one burst from one source at three fifths
 * of the span; a scan of all ports by three hosts; answers to packets that others forged; 80/tcp
 * and 443/tcp in lockstep from forged sources; lines that are no packets. One thread. */
#ifndef SCANTIDE_COMMAND_SIMWORLD_H
#define SCANTIDE_COMMAND_SIMWORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "command/simline.h"

enum { SIM_TEXT_MAX = 160 };

struct sim_knock {
    int64_t when_ns; /* since 1970, UTC; never before the knock before */
    bool is_text;
    struct sim_packet packet; /* unless is_text */
    char program[16];         /* if is_text: "kernel", "sshd[1234]" */
    char text[SIM_TEXT_MAX];
};

struct sim_world;

/* From `start` (seconds since 1970) for `span` seconds, `rate_u` lines in a million seconds (from
 * 10,000). Never fails. */
struct sim_world *sim_world_new(uint64_t seed, int64_t start, int64_t span, uint64_t rate_u);

/* From now on nothing of note happens: no burst, no scan of all ports, nothing in lockstep, and day
 * and night differ by half of what they do. */
void sim_world_calm(struct sim_world *w);

/* An address of the country, by the bits of a hash; false: the world has no such country. */
bool sim_source(const char *country, uint64_t hash, uint32_t *address);

/* False at the end of the span, with *out untouched. */
bool sim_world_next(struct sim_world *w, struct sim_knock *out);

void sim_world_free(struct sim_world *w);

#endif
