// Preloaded into a program and its workers: makes the n-th call of one C library function fail, as
// the file that GRISTMILL_FAILING_CALLS names says, and notes there where the calls were made.
// Nothing is counted until the program arms it (failing_calls.h).

#define _GNU_SOURCE
// The functions below have the names of what this would make inline functions.
#undef _FORTIFY_SOURCE

#include "tests/fault/failing_calls/failing_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct FailingCalls* plan = NULL;
static int is_worker = 0;

// Linux system calls for itself: what it asks must not be counted.
__attribute__((constructor)) static void open_plan(void) {
  const char* path = getenv("GRISTMILL_FAILING_CALLS");
  if (path == NULL) return;
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  const long address =
      syscall(SYS_mmap, NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
  syscall(SYS_close, fd);
  if (address < 0 && address > -4096) return;
  is_worker = strstr(program_invocation_short_name, "gristmill-worker") != NULL;
  plan = (struct FailingCalls*)address;
}

__attribute__((visibility("default"))) void failing_calls_arm(int armed) {
  if (plan != NULL) atomic_store(&plan->armed, (uint32_t)armed);
}

static void note(enum Function function, const void* caller) {
  const uint32_t index = atomic_fetch_add(&plan->notes, 1);
  if (index >= kMostNotes) return;
  struct Note* entry = &plan->note[index];
  Dl_info info;
  if (dladdr(caller, &info) != 0 && info.dli_fname != NULL) {
    entry->offset = (uint64_t)((const char*)caller - (const char*)info.dli_fbase);
    strncpy(entry->object, info.dli_fname, sizeof entry->object - 1);
  }
  entry->is_worker = (uint32_t)is_worker;
  // Last: the entry is complete.
  atomic_store(&entry->function, (uint32_t)function + 1);
}

// The errno that this call is to fail with; 0: none.
static int failure(enum Function function, const void* caller) {
  if (plan == NULL || atomic_load(&plan->armed) == 0) return 0;
  const int saved = errno;
  int error = 0;
  if (plan->nth == 0) {
    note(function, caller);
  } else if (plan->function == (uint32_t)function && plan->in_workers == (uint32_t)is_worker) {
    const uint32_t count = atomic_fetch_add(&plan->calls, 1) + 1;
    if (count == plan->nth || (plan->for_ever != 0 && count > plan->nth)) {
      note(function, caller);
      error = (int)plan->error;
    }
  }
  errno = saved;
  return error;
}

#define EXPORTED __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

// The next object's function of that name, looked up once.
#define REAL(name)                     \
  static _Atomic(void*) found = NULL;  \
  void* address = atomic_load(&found); \
  if (address == NULL) {               \
    address = dlsym(RTLD_NEXT, #name); \
    atomic_store(&found, address);     \
  }                                    \
  __typeof__(&name) real;              \
  memcpy(&real, &address, sizeof real)

#define FAILS_WITH(function, result)             \
  do {                                           \
    const int error = failure(function, CALLER); \
    if (error != 0) {                            \
      errno = error;                             \
      return result;                             \
    }                                            \
  } while (0)

#define WRAP(function, result, name, failed, parameters, arguments) \
  EXPORTED result name parameters {                                 \
    FAILS_WITH(function, failed);                                   \
    REAL(name);                                                     \
    return real arguments;                                          \
  }

WRAP(kMemfdCreate, int, memfd_create, -1, (const char* name, unsigned flags), (name, flags))
WRAP(kFtruncate, int, ftruncate, -1, (int fd, off_t size), (fd, size))
WRAP(kFtruncate, int, ftruncate64, -1, (int fd, off64_t size), (fd, size))
WRAP(kFallocate, int, fallocate, -1, (int fd, int mode, off_t from, off_t size),
     (fd, mode, from, size))
WRAP(kFallocate, int, fallocate64, -1, (int fd, int mode, off64_t from, off64_t size),
     (fd, mode, from, size))
WRAP(kMmap, void*, mmap, MAP_FAILED,
     (void* where, size_t size, int protection, int flags, int fd, off_t from),
     (where, size, protection, flags, fd, from))
WRAP(kMmap, void*, mmap64, MAP_FAILED,
     (void* where, size_t size, int protection, int flags, int fd, off64_t from),
     (where, size, protection, flags, fd, from))
WRAP(kMunmap, int, munmap, -1, (void* where, size_t size), (where, size))
WRAP(kMprotect, int, mprotect, -1, (void* where, size_t size, int protection),
     (where, size, protection))
WRAP(kMadvise, int, madvise, -1, (void* where, size_t size, int advice), (where, size, advice))
WRAP(kEventfd, int, eventfd, -1, (unsigned value, int flags), (value, flags))
WRAP(kSocketpair, int, socketpair, -1, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds))
WRAP(kSendmsg, ssize_t, sendmsg, -1, (int fd, const struct msghdr* message, int flags),
     (fd, message, flags))
WRAP(kRecvmsg, ssize_t, recvmsg, -1, (int fd, struct msghdr* message, int flags),
     (fd, message, flags))
WRAP(kEpollCreate, int, epoll_create1, -1, (int flags), (flags))
WRAP(kEpollCtl, int, epoll_ctl, -1, (int epoll, int what, int fd, struct epoll_event* event),
     (epoll, what, fd, event))
WRAP(kEpollWait, int, epoll_wait, -1, (int epoll, struct epoll_event* events, int most, int limit),
     (epoll, events, most, limit))
WRAP(kPoll, int, poll, -1, (struct pollfd * fds, nfds_t count, int limit), (fds, count, limit))
WRAP(kPoll, int, __poll_chk, -1, (struct pollfd * fds, nfds_t count, int limit, size_t size),
     (fds, count, limit, size))
WRAP(kWaitid, int, waitid, -1, (idtype_t type, id_t id, siginfo_t* info, int options),
     (type, id, info, options))
WRAP(kRead, ssize_t, read, -1, (int fd, void* bytes, size_t size), (fd, bytes, size))
WRAP(kRead, ssize_t, __read_chk, -1, (int fd, void* bytes, size_t size, size_t most),
     (fd, bytes, size, most))
WRAP(kPread, ssize_t, pread, -1, (int fd, void* bytes, size_t size, off_t from),
     (fd, bytes, size, from))
WRAP(kPread, ssize_t, pread64, -1, (int fd, void* bytes, size_t size, off64_t from),
     (fd, bytes, size, from))
WRAP(kPread, ssize_t, __pread_chk, -1, (int fd, void* bytes, size_t size, off_t from, size_t most),
     (fd, bytes, size, from, most))
WRAP(kWrite, ssize_t, write, -1, (int fd, const void* bytes, size_t size), (fd, bytes, size))
WRAP(kProcessVmReadv, ssize_t, process_vm_readv, -1,
     (pid_t pid, const struct iovec* local, unsigned long locals, const struct iovec* remote,
      unsigned long remotes, unsigned long flags),
     (pid, local, locals, remote, remotes, flags))
WRAP(kPwrite, ssize_t, pwrite, -1, (int fd, const void* bytes, size_t size, off_t from),
     (fd, bytes, size, from))
WRAP(kPwrite, ssize_t, pwrite64, -1, (int fd, const void* bytes, size_t size, off64_t from),
     (fd, bytes, size, from))
WRAP(kFstat, int, fstat, -1, (int fd, struct stat* status), (fd, status))
WRAP(kFstat, int, fstat64, -1, (int fd, struct stat64* status), (fd, status))
WRAP(kFsync, int, fsync, -1, (int fd), (fd))
WRAP(kFsync, int, fdatasync, -1, (int fd), (fd))
WRAP(kRename, int, rename, -1, (const char* from, const char* to), (from, to))
WRAP(kRename, int, renameat, -1, (int from_folder, const char* from, int to_folder, const char* to),
     (from_folder, from, to_folder, to))
WRAP(kRename, int, renameat2, -1,
     (int from_folder, const char* from, int to_folder, const char* to, unsigned flags),
     (from_folder, from, to_folder, to, flags))
WRAP(kRename, int, linkat, -1,
     (int from_folder, const char* from, int to_folder, const char* to, int flags),
     (from_folder, from, to_folder, to, flags))
WRAP(kPipe, int, pipe2, -1, (int fds[2], int flags), (fds, flags))

// These return what others put into errno.
EXPORTED int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                         const posix_spawnattr_t* attributes, char* const arguments[],
                         char* const environment[]) {
  const int error = failure(kPosixSpawn, CALLER);
  if (error != 0) return error;
  REAL(posix_spawn);
  return real(pid, path, actions, attributes, arguments, environment);
}

EXPORTED int posix_fallocate(int fd, off_t from, off_t size) {
  const int error = failure(kFallocate, CALLER);
  if (error != 0) return error;
  REAL(posix_fallocate);
  return real(fd, from, size);
}

EXPORTED int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                            void* (*body)(void*), void* argument) {
  const int error = failure(kPthreadCreate, CALLER);
  if (error != 0) return error;
  REAL(pthread_create);
  return real(thread, attributes, body, argument);
}

// The rest has an argument that may be missing.
#define LAST_ARGUMENT(type, last, name) \
  va_list list;                         \
  va_start(list, last);                 \
  const type name = va_arg(list, type); \
  va_end(list)

#define WRAP_OPEN(name)                                 \
  EXPORTED int name(const char* path, int flags, ...) { \
    FAILS_WITH(kOpen, -1);                              \
    LAST_ARGUMENT(unsigned, flags, mode);               \
    REAL(name);                                         \
    return real(path, flags, mode);                     \
  }
#define WRAP_OPENAT(name)                                           \
  EXPORTED int name(int folder, const char* path, int flags, ...) { \
    FAILS_WITH(kOpen, -1);                                          \
    LAST_ARGUMENT(unsigned, flags, mode);                           \
    REAL(name);                                                     \
    return real(folder, path, flags, mode);                         \
  }
#define WRAP_FCNTL(name)                        \
  EXPORTED int name(int fd, int command, ...) { \
    FAILS_WITH(kFcntl, -1);                     \
    LAST_ARGUMENT(long, command, value);        \
    REAL(name);                                 \
    return real(fd, command, value);            \
  }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP_FCNTL(fcntl)
WRAP_FCNTL(fcntl64)

WRAP(kOpen, int, __open_2, -1, (const char* path, int flags), (path, flags))
WRAP(kOpen, int, __openat_2, -1, (int folder, const char* path, int flags), (folder, path, flags))

EXPORTED long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long argument[6];
  for (int i = 0; i < 6; ++i) argument[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_pidfd_open) FAILS_WITH(kPidfdOpen, -1);
  if (number == SYS_waitid) FAILS_WITH(kWaitid, -1);
  REAL(syscall);
  return real(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}
