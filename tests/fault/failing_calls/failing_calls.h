#pragma once

#include <stdint.h>

// What failing_calls.c, which is preloaded, shares with scripts that run a program under it: a file
// of this form. failing_calls.py has the same fields and names in the same order.

enum Function {
  kMemfdCreate,
  kFtruncate,
  kFallocate,
  kMmap,
  kMunmap,
  kMprotect,
  kMadvise,
  kPosixSpawn,
  kPthreadCreate,
  kEventfd,
  kSocketpair,
  kSendmsg,
  kRecvmsg,
  kEpollCreate,
  kEpollCtl,
  kEpollWait,
  kPoll,
  kPidfdOpen,
  kWaitid,
  kOpen,
  kRead,
  kPread,
  kWrite,
  kProcessVmReadv,
  kPwrite,
  kFstat,
  kFsync,
  kRename,
  kFcntl,
  kPipe
};

enum { kMostNotes = 8192 };

// A call that was counted (nth == 0) or that failed.
struct Note {
  _Atomic uint32_t function;  // Function + 1; 0: not written yet
  uint32_t is_worker;
  uint64_t offset;  // of the return address in the object
  char object[112];
};

struct FailingCalls {
  uint32_t function;    // Function
  uint32_t in_workers;  // 0: calls of the program, 1: of all its workers together
  uint32_t error;       // errno
  uint32_t nth;         // from 1 on; 0: none fails, all are noted
  uint32_t for_ever;    // the calls after the n-th fail, too
  _Atomic uint32_t armed;
  _Atomic uint32_t calls;
  _Atomic uint32_t notes;
  struct Note note[kMostNotes];
};
