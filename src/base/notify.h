/* notify.h - tells systemd how the service is doing (sd_notify(3)); without systemd, nothing. */
#ifndef SCANTIDE_BASE_NOTIFY_H
#define SCANTIDE_BASE_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* "STATUS=": one line that `systemctl status` shows. */
void notify_status(const char *text);

/* Whether a watchdog waits for notify_alive, and how often it should come: half its patience, in
 * ms; 0: none waits. */
int64_t notify_watchdog_ms(void);
void notify_alive(void);

#endif
