/* sensors.h - sensors that take over the names of others: one firewall that was renamed, or several
 * that are to be one.
 *
 * Reaching back: all that was counted under a taken name becomes the sensor's, in one transaction:
 * bins, sources, targets, sketches, watched spans, gaps. Its series are made again. Logs that were
 * taken in under a taken name are known under the sensor's. From then on whatever comes under a
 * taken name is the sensor's too, whoever writes it.
 *
 * It can't be undone: what was added up can't be told apart. A name that is no longer taken is a
 * sensor of its own for what comes from then on. */
#ifndef SCANTIDE_STORE_SENSORS_H
#define SCANTIDE_STORE_SENSORS_H

#include "store/store.h"

struct sensors_change {
    bool differ; /* from the names that are taken in the facts */
    /* Called for each name that is taken now and had facts, and for each that is taken no more. */
    void (*merged)(void *ctx, const char *name, const char *sensor, uint64_t events);
    void (*released)(void *ctx, const char *name, const char *sensor);
    void *ctx;
};

/* Makes the list the taken names of the facts. The functions of *change are the caller's, NULL: not
 * called. No name may be taken twice, or take others itself. */
int store_set_sensors(struct store *s, const struct sensor_alias *list, size_t n,
                      struct sensors_change *change);

/* Only whether it differs. */
int store_compare_sensors(struct store *s, const struct sensor_alias *list, size_t n, bool *differ);

/* The sensor that has taken the name over, or the name itself. */
int store_sensor_name(struct store *s, const char *name, char out[SENSOR_NAME_MAX]);

/* The id of the sensor that the one of `*id` was merged into, if it was: another scantide may have
 * done so since the id was looked up. */
int store_follow_sensor(struct store *s, uint16_t *id);

#endif
