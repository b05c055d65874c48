/* daytime.h - what clock the people of a country live by: that of the zone where most of them live,
 * in standard time. Any thread. */
#ifndef SCANTIDE_REPORT_DAYTIME_H
#define SCANTIDE_REPORT_DAYTIME_H

#include <stdbool.h>
#include <stdint.h>

/* *quarters: quarter hours east of UTC. False: not known, or no country. */
bool country_daytime(uint16_t country, int *quarters);

#endif
