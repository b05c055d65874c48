/* tail_uv.h - a followed log on a libuv loop: feeds tail.h's state machine with what the disk says.
 *
 * The owner looks once a second; that alone is enough. A change in the log's folder is only a hint
 * to look sooner, at most once between two looks, so a busy log doesn't wake the loop line by line.
 * Opening and reading a local file doesn't wait for long, so it is done on the loop's thread, one
 * turn at a time; of a packed file a turn unpacks a megabyte at most. With SCANTIDE_EVENTS=off in the
 * environment there are no hints, as on a network file system. The loop's thread only.
 *
 *     struct tail_uv *tu = tail_uv_new(loop, "/var/log/kern.log", &calls, ctx);
 *     tail_uv_look(tu, now_ms);                                    each second
 *     while (tail_uv_turn(tu, buffer))                             a turn each time round the loop
 *         ;
 *     tail_uv_close(tu);                                           frees itself when the loop has closed it
 */
#ifndef SCANTIDE_INPUT_TAIL_UV_H
#define SCANTIDE_INPUT_TAIL_UV_H

#include <uv.h>

#include "input/tail.h"

struct tail_uv_calls {
    /* A file was opened; `fd` and `name` are valid until it has ended. A packed one has
     * TAIL_SIZE_UNKNOWN. */
    void (*opened)(void *ctx, unsigned file, int fd, const char *name, uint64_t size);
    /* Which log is it? To be answered with tail_uv_told, later. The file doesn't end before. */
    void (*ask)(void *ctx, unsigned file);
    /* Lines, how far the file is done with them, and the bytes that identify it up to there. */
    void (*lines)(void *ctx, unsigned file, const struct tail_lines *lines, uint64_t offset,
                  struct str head, struct str tail);
    void (*ended)(void *ctx, unsigned file, enum tail_end end, uint64_t unread);
    /* Opening or reading failed with the negative errno; it is tried again, and told again. */
    void (*failed)(void *ctx, const char *name, int rc);
    /* Something in the folder changed. */
    void (*hint)(void *ctx);
};

struct tail_uv;

/* `rotated`: the folder into which the log is rotated; NULL: its own. The path and the calls outlive
 * it. */
struct tail_uv *tail_uv_new(uv_loop_t *loop, const char *path, const char *rotated,
                            const struct tail_uv_calls *calls, void *ctx);
void tail_uv_close(struct tail_uv *tu);

void tail_uv_look(struct tail_uv *tu, int64_t now_ms);

/* Does what is to be done, up to and with one read. `buffer` has TAIL_READ_BYTES; NULL: all but
 * reading, so that a file is open before it is renamed again. Whether there may be more. */
bool tail_uv_turn(struct tail_uv *tu, char *buffer);

/* As tail_told. */
void tail_uv_told(struct tail_uv *tu, unsigned file, enum tail_answer answer, uint64_t offset,
                  struct str head, struct str tail, int64_t since_ns);

/* For what it knows, such as tail_rests. */
const struct tail *tail_uv_state(const struct tail_uv *tu);

#endif
