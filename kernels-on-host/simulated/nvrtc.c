// A compiler for the simulated driver: what it makes of a source is the source. Names, types and meaning: the NVRTC API.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID_INPUT = 3, INVALID_OPTION = 5 };

struct program { char* text; };

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
    *to = malloc(sizeof **to);
    (*to)->text = malloc(strlen(source) + strlen(name) + 32);
    sprintf((*to)->text, "// simulated %s\n%s", name, source);
    return OK;
}
int nvrtcCompileProgram(struct program* it, int count, const char* const* options) {
    int known = 0;
    for (int i = 0; i < count; i++)
        known += !strcmp(options[i], "--gpu-architecture=compute_90") || !strcmp(options[i], "--fmad=false");
    return it && known == 2 ? OK : INVALID_OPTION;
}
int nvrtcGetPTXSize(struct program* it, size_t* size) { *size = strlen(it->text) + 1; return OK; }
int nvrtcGetPTX(struct program* it, char* to) { strcpy(to, it->text); return OK; }
int nvrtcGetProgramLogSize(struct program* it, size_t* size) { (void)it; *size = 1; return OK; }
int nvrtcGetProgramLog(struct program* it, char* to) { (void)it; *to = 0; return OK; }
int nvrtcDestroyProgram(struct program** it) { free((*it)->text); free(*it); return OK; }
