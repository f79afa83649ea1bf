// A compiler for the simulated driver: what it makes of a source is the source. Names, types and meaning: the NVRTC API.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID_INPUT = 3, INVALID_OPTION = 5 };

struct program { char *text, *name, *source; int real; };

int nvrtcVersion(int* major, int* minor) { *major = 12; *minor = 8; return OK; }
int nvrtcGetNumSupportedArchs(int* count) { *count = 2; return OK; }
int nvrtcGetSupportedArchs(int* archs) { archs[0] = 80; archs[1] = 90; return OK; }
int nvrtcCreateProgram(struct program** to, const char* source, const char* name, int headers, const char* const* texts,
                       const char* const* names) {
    // Headers come with their names; a source that includes another one does not compile.
    for (const char* at = source; (at = strstr(at, "#include \"")); at++) {
        int found = 0;
        for (int i = 0; i < headers; i++)
            found |= texts[i] && !strncmp(at + 10, names[i], strlen(names[i]));
        if (!found) return INVALID_INPUT;
    }
    *to = calloc(1, sizeof **to);
    (*to)->source = strdup(source);
    (*to)->name = strdup(name);
    return OK;
}
int nvrtcCompileProgram(struct program* it, int count, const char* const* options) {
    int ptx = 0, real = 0, plain = 0;
    for (int i = 0; i < count; i++) {
        ptx |= !strcmp(options[i], "--gpu-architecture=compute_90");
        real |= !strcmp(options[i], "--gpu-architecture=sm_90");
        plain |= !strcmp(options[i], "--fmad=false");
    }
    if (ptx == real || !plain) return INVALID_OPTION;
    it->real = real;
    it->text = malloc(strlen(it->source) + strlen(it->name) + 64);
    sprintf(it->text, "// simulated %s %s\n%s", real ? "sm_90" : "compute_90", it->name, it->source);
    return OK;
}
// Instructions are to be had for a real architecture only.
int nvrtcGetCUBINSize(struct program* it, size_t* size) { *size = it->real ? strlen(it->text) + 1 : 0; return OK; }
int nvrtcGetCUBIN(struct program* it, char* to) { if (it->real) strcpy(to, it->text); return OK; }
int nvrtcGetPTXSize(struct program* it, size_t* size) { *size = strlen(it->text) + 1; return OK; }
int nvrtcGetPTX(struct program* it, char* to) { strcpy(to, it->text); return OK; }
int nvrtcGetProgramLogSize(struct program* it, size_t* size) { (void)it; *size = 1; return OK; }
int nvrtcGetProgramLog(struct program* it, char* to) { (void)it; *to = 0; return OK; }
int nvrtcDestroyProgram(struct program** it) {
    free((*it)->text);
    free((*it)->name);
    free((*it)->source);
    free(*it);
    return OK;
}
