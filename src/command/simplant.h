/* simplant.h - happenings that are planted into a made-up log: read from JSON, a line each, with the
 * keys of a report's findings, and made as their verdicts' rules say.
 *
 *     struct sim_plants *p = sim_plants_load(path, seed, &err);
 *     while (sim_plants_next(p, before_ns, &knock))
 *         ...
 *     sim_plants_free(p);
 *
 * Keys: verdict, from, to; ports, countries, sources, targets, events; port_count, source_count,
 * target_count, port_step, source_port_step, source_port. What isn't given is made up. One
 * thread. */
#ifndef SCANTIDE_COMMAND_SIMPLANT_H
#define SCANTIDE_COMMAND_SIMPLANT_H

#include "base/error.h"
#include "command/simworld.h"

struct sim_plants;

/* NULL with all faults added: the file can't be read, or says what can't be planted. */
struct sim_plants *sim_plants_load(const char *path, uint64_t seed, struct error *err);

/* The next planted packet that comes before the time; false: there is none. In order of time. */
bool sim_plants_next(struct sim_plants *p, int64_t before_ns, struct sim_knock *out);

/* Whether the sensor has fallen then, and of 20 packets shows one. */
bool sim_plants_hide(const struct sim_plants *p, int64_t when_ns, uint64_t random);

void sim_plants_free(struct sim_plants *p);

#endif
