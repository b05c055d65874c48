#include "base/socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/check.h"

char *socket_path(const char *folder, const char *name, int *fd)
{
    char *path = xasprintf("%s/%s", folder, name);

    *fd = -1;
    if (strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path)
        return path;
    free(path);
    *fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? NULL : xasprintf("/proc/self/fd/%d/%s", *fd, name);
}
