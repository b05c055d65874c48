/* socket.h - addresses of Unix sockets whose paths may be longer than sun_path. */
#ifndef SCANTIDE_BASE_SOCKET_H
#define SCANTIDE_BASE_SOCKET_H

/* A path of at most 107 bytes that names `folder`/`name`: as it is, or through an open descriptor
 * of the folder (*fd; -1: none), which must stay open while the path is used. The caller frees
 * the text and closes *fd. NULL where the folder can't be opened. */
char *socket_path(const char *folder, const char *name, int *fd);

#endif
