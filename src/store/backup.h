/* backup.h - a copy of the facts while they are written to, checked before it has its name.
 *
 * The copy is one file in rollback mode, all of one instant. It is made beside its place as
 * FILE.new, synced, read whole and compared, and then renamed, so that FILE is the old copy or the
 * whole new one. Blocks, and holds nobody up. */
#ifndef SCANTIDE_STORE_BACKUP_H
#define SCANTIDE_STORE_BACKUP_H

#include "store/store.h"

/* `progress` (NULL: none) is told pages done and all. 0, or with a fault in err: -EEXIST there is
 * something else under this name, -EINVAL it is the facts themselves, -EIO and other errnos. */
int backup_facts(struct store *s, const char *file,
                 void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                 struct error *err);

#endif
