/* stranger.h - programs that write down what a stranger says.
 *
 * sshd logs a hundred bytes of a made-up user's name, a web server its request: enough for a whole
 * line of many a firewall. No firewall logs under such a name, so nothing of theirs is a packet.
 * Pure; any thread. */
#ifndef SCANTIDE_PARSE_STRANGER_H
#define SCANTIDE_PARSE_STRANGER_H

#include <stdbool.h>

#include "base/str.h"

/* `tag`: the logger's name, without pid and colon; empty for none. */
bool stranger_speaks(struct str tag);

#endif
