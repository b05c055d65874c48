/* fault.h - named steps at which a test build kills itself, so that a test can prove that the facts
 * and the series come out exact whatever instant a crash picks.
 *
 * Only `make faults` compiles it in (-DSCANTIDE_FAULTS); any other build has nothing of it. The
 * environment says what is to happen:
 *
 *     SCANTIDE_FAULT=list            the steps, one a line with what it is; nothing else is done
 *     SCANTIDE_FAULT=committed:3     SIGKILL to ourselves when the step is passed the third time
 *     SCANTIDE_FAULT_COUNTS=FILE     how often each step was passed, written at the exit
 *     SCANTIDE_CLOCK=FILE            holds the seconds by which the wall clock is wrong
 *
 * A new step is one FAULT("name") in the code and one row in fault.c. Any thread. */
#ifndef SCANTIDE_BASE_FAULT_H
#define SCANTIDE_BASE_FAULT_H

#include <stdint.h>

#ifdef SCANTIDE_FAULTS

#define FAULT(name) fault_pass(name)
/* Spoils the file before the end, as a writer does that is killed in the middle of it. */
#define FAULT_TORN(name, path) fault_pass_torn((name), (path))
/* A limit, and the one that makes many passes of a small log. */
#define FAULT_LIMIT(usual, small) (small)
#define FAULT_CLOCK_S()           fault_clock_s()

void fault_pass(const char *name);
void fault_pass_torn(const char *name, const char *path);
int64_t fault_clock_s(void);

#else

#define FAULT(name)               ((void)0)
#define FAULT_TORN(name, path)    ((void)0)
#define FAULT_LIMIT(usual, small) (usual)
#define FAULT_CLOCK_S()           ((int64_t)0)

#endif
#endif
