/* wall.h - the wall clock, for those few who may ask it: commands and the daemon's loop. Any
 * thread. It may jump, also back. */
#ifndef SCANTIDE_BASE_WALL_H
#define SCANTIDE_BASE_WALL_H

#include <stdint.h>

/* Seconds since 1970, UTC. */
int64_t wall_now(void);

#endif
