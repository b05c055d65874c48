/* files_uv.h - the followed files as a feed: paths and patterns of paths.
 *
 * A pattern (`*`, `?`, `[...]` in the last part of the path, or in folders) is looked up again
 * every few seconds, so files that come later are followed from their beginning; one that has gone
 * is left when all of it was read. Rotated forms of a file that is followed (FILE.1, FILE.gz,
 * FILE-20261124) aren't followed by themselves: they are how a log goes on, see tail.h. */
#ifndef SCANTIDE_PIPELINE_FILES_UV_H
#define SCANTIDE_PIPELINE_FILES_UV_H

#include "config/config.h"
#include "pipeline/feed.h"

/* Those of the inputs that are files; all of them outlive it. */
struct feed *files_open(struct feed_host *host, const struct config_input *inputs, size_t n);

#endif
