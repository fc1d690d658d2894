#include "CFuzzer.h"

#include <stdlib.h>

void fuzz_run(int argc, char **argv, fuzz_one_input one_input) {
    exit(LLVMFuzzerRunDriver(&argc, &argv, one_input));
}
