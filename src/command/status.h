/* status.h - how the daemon is doing, as JSON: for its control socket. */
#ifndef SCANTIDE_COMMAND_STATUS_H
#define SCANTIDE_COMMAND_STATUS_H

#include "pipeline/daemon_uv.h"

/* One object and a newline, the caller's to free. */
void status_tell(const struct daemon_status *status, char **text);

#endif
