// Fills the slots of imports.S before main, as the loader would have filled
// them: before the program hardens itself and reads what others wrote.

#include <dlfcn.h>

namespace {

struct Import {
  const char* name;
  void* slot;
};

extern "C" Import __start_metsuke_imports[], __stop_metsuke_imports[];

__attribute__((constructor)) void Load() {
  void* const library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;
  for (Import* one = __start_metsuke_imports; one != __stop_metsuke_imports;
       ++one)
    if (void* const found = dlsym(library, one->name)) one->slot = found;
}

}  // namespace
