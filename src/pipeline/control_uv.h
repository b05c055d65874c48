/* control_uv.h - whoever connects to `<data>/control.sock` is told how the daemon is doing.
 *
 * One text a connection, then it is closed; nothing is read from it. Who doesn't read it is left
 * when sixteen others ask, and at the end. Who may connect is who may enter the data folder. The
 * loop's thread only. */
#ifndef SCANTIDE_PIPELINE_CONTROL_UV_H
#define SCANTIDE_PIPELINE_CONTROL_UV_H

#include <uv.h>

#include "base/error.h"

#define CONTROL_SOCKET "control.sock"

struct control;

/* `text` gives what is told, which is freed afterwards. The lock of the folder must be held: a
 * socket that is there is nobody's any more. NULL with a fault. */
struct control *control_open(uv_loop_t *loop, const char *folder, char *(*text)(void *ctx),
                             void *ctx, struct error *err);

/* Removes the socket; frees itself when the loop has closed it. NULL is fine. */
void control_close(struct control *c);

#endif
