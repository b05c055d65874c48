/* lock.h - one holder at a time across processes: flock(2) on a file in the data folder.
 *
 * `<data>/daemon.lock` is held by a running daemon for its whole life, `<data>/series.lock` by
 * whoever writes RRDs, for as long as it writes. The kernel lets go when the holder dies. */
#ifndef SCANTIDE_BASE_LOCK_H
#define SCANTIDE_BASE_LOCK_H

#include <stdbool.h>

/* Takes the lock file `folder`/`name`, waiting for another holder if `wait`. Returns the descriptor
 * (>= 0), -EWOULDBLOCK where another holds it, or another negative errno. */
int lock_take(const char *folder, const char *name, bool wait);
void lock_release(int fd);

/* Whether another process holds it now. */
bool lock_is_held(const char *folder, const char *name);

#endif
