// libnvrtc.so for the emulated driver: compiles a kernel's source with the host's clang++ and gives the shared object as the cubin.
// MICA_EMULATOR is the folder of this file.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>

namespace {

struct Program {
    std::string source, log, cubin;
};

std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool run(const std::string &command, Program &program, const std::string &base) {
    const int status = system((command + " 2>" + base + ".log").c_str());
    program.log += read(base + ".log");
    return status == 0;
}

void replace(std::string &text, const std::string &from, const std::string &to) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

}  // namespace

extern "C" {

int nvrtcVersion(int *major, int *minor) { *major = 0, *minor = 1; return 0; }
int nvrtcCreateProgram(void **result, const char *source, const char *, int, const char *const *, const char *const *) {
    *result = new Program{source, "", ""};
    return 0;
}
int nvrtcDestroyProgram(void **program) { delete (Program *)*program; *program = nullptr; return 0; }
int nvrtcCompileProgram(void *handle, int count, const char *const *options) {
    auto &program = *(Program *)handle;
    // As one that is older than some devices.
    for (int i = 0; i < count; i++)
        if (!strncmp(options[i], "--gpu-architecture=", 19) && !strstr("sm_80 sm_86 sm_89 sm_90 sm_90a sm_100 sm_120 ", (std::string(options[i] + 19) + " ").c_str())) {
            program.log = "nvrtc: error: invalid value for --gpu-architecture (-arch)";
            return 5;
        }
    const char *folder = getenv("MICA_EMULATOR");
    if (!folder) { program.log = "MICA_EMULATOR is not set"; return 6; }
    char base[] = "/tmp/mica-kernel-XXXXXX";
    close(mkstemp(base));
    const std::string stem = base, flags = std::string("clang++ -std=c++17 -I ") + folder + " ";
    std::string source = program.source;
    replace(source, "extern __shared__ __align__(16) unsigned char memory[];", "unsigned char *memory = mica_runtime->dynamicShared;");
    std::ofstream(stem + ".cpp") << "#include \"kernel.h\"\n" << source;
    // Names of kernels are made by macros, so they are looked for once those are expanded.
    bool fine = run(flags + "-E -P " + stem + ".cpp -o " + stem + ".ii.cpp", program, stem);
    std::string expanded = read(stem + ".ii.cpp");
    std::set<std::string> names;
    const std::regex kernel("extern \"C\" __attribute__\\(\\(used\\)\\)\\s+void\\s+(\\w+)\\s*\\(");
    for (std::sregex_iterator i(expanded.begin(), expanded.end(), kernel), end; i != end; ++i) names.insert((*i)[1]);
    {
        std::ofstream out(stem + ".ii.cpp", std::ios::app);
        for (const auto &name : names) out << "\nextern \"C\" void " << name << "__launch(void **v) { mica_launch(" << name << ", v); }\n";
    }
    fine = fine && run(flags + "-O2 -Wno-invalid-constexpr -march=native -ffp-contract=fast -fno-strict-aliasing -w -shared -fPIC " + stem + ".ii.cpp -o " + stem + ".so",
                       program, stem);
    if (fine) program.cubin = read(stem + ".so");
    for (const char *suffix : {"", ".cpp", ".ii.cpp", ".so", ".log"}) unlink((stem + suffix).c_str());
    return fine ? 0 : 6;
}
int nvrtcGetCUBINSize(void *program, size_t *bytes) { *bytes = ((Program *)program)->cubin.size(); return 0; }
int nvrtcGetCUBIN(void *program, char *cubin) {
    memcpy(cubin, ((Program *)program)->cubin.data(), ((Program *)program)->cubin.size());
    return 0;
}
int nvrtcGetProgramLogSize(void *program, size_t *bytes) { *bytes = ((Program *)program)->log.size() + 1; return 0; }
int nvrtcGetProgramLog(void *program, char *log) {
    memcpy(log, ((Program *)program)->log.c_str(), ((Program *)program)->log.size() + 1);
    return 0;
}

}  // extern "C"
