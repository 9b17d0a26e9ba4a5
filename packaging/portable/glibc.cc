// The functions of a glibc after 2.34 that static libraries of Debian 12
// call. 2.34 is what Enterprise Linux 9 has, and hosts of it are many.

#include <dlfcn.h>
#include <link.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

struct Sought {
  uintptr_t address;
  dl_find_object* found;
};

// Called for each program and library in memory; other than 0 ends the walk.
int Take(dl_phdr_info* info, size_t, void* context) {
  auto& [address, found] = *static_cast<Sought*>(context);
  uintptr_t start = UINTPTR_MAX, end = 0;
  const ElfW(Phdr)* frames = nullptr;
  bool within = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = info->dlpi_phdr[i];
    const uintptr_t from = info->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_GNU_EH_FRAME) frames = &part;
    if (part.p_type != PT_LOAD) continue;
    start = std::min(start, from);
    end = std::max(end, from + part.p_memsz);
    within = within || (address >= from && address - from < part.p_memsz);
  }
  if (!within) return 0;
  if (frames == nullptr) return -1;
  *found = {};
  found->dlfo_map_start = reinterpret_cast<void*>(start);
  found->dlfo_map_end = reinterpret_cast<void*>(end);
  found->dlfo_eh_frame =
      reinterpret_cast<void*>(info->dlpi_addr + frames->p_vaddr);
  return 1;
}

}  // namespace

// Of 2.35, for unwinding: where the frames of the code at `address` are told.
extern "C" int _dl_find_object(void* address, dl_find_object* found) noexcept {
  Sought sought{reinterpret_cast<uintptr_t>(address), found};
  return dl_iterate_phdr(Take, &sought) == 1 ? 0 : -1;
}

// Of 2.36. Like there, a process that gets no random bytes ends.
extern "C" void arc4random_buf(void* to, size_t size) noexcept {
  for (auto* at = static_cast<char*>(to); size > 0;) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) abort();
    at += got;
    size -= static_cast<size_t>(got);
  }
}

extern "C" uint32_t arc4random() noexcept {
  uint32_t number;
  arc4random_buf(&number, sizeof number);
  return number;
}
