#include "base/wall.h"

#include <time.h>

#include "base/fault.h"

int64_t wall_now(void)
{
    return (int64_t)time(NULL) + FAULT_CLOCK_S();
}
