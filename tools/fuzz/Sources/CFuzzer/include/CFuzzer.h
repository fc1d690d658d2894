#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

typedef int (*fuzz_one_input)(const uint8_t *bytes, size_t count);

/// libFuzzer's own loop, which its header declares for C++ only. Reads options and corpus folders from the arguments.
int LLVMFuzzerRunDriver(int *argc, char ***argv, fuzz_one_input one_input);

/// Runs the loop and ends the process with its status.
_Noreturn void fuzz_run(int argc, char **argv, fuzz_one_input one_input);

#endif
