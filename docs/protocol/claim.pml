/* The claim protocol of ../protocol.md: C, its workers, and the words they share.
 *
 * A statement is one access to shared memory. A process dies between any two statements. Wake-ups are
 * ideal here: whoever waits runs when there is something to read; bell.pml has the real ones.
 * Options are -D macros. Those that begin with M_ break a rule, and scripts/check-protocol expects
 * SPIN to see it.
 */
#ifndef P
#define P 2       /* slots, 2 or 3 */
#endif
#ifndef N
#define N 3       /* chunks of a job, at most 7 */
#endif
#ifndef KILLS
#define KILLS 1   /* deaths by an outside SIGKILL */
#endif
#ifndef R
#define R 2       /* deaths in a chunk that convict it */
#endif
#ifndef RESTARTS
#define RESTARTS 4
#endif
#ifndef JOBS
#define JOBS 1
#endif
#ifndef LATE
#define LATE 0    /* deadline kills of workers that are slow, not stuck */
#endif
#ifndef RETIRES
#define RETIRES 0 /* times that a worker has too much memory behind a lease */
#endif
#ifndef STRAY
#define STRAY 0   /* stray writes of the first process in slot 0 */
#endif
#define NONE 99
#ifndef CRASH
#define CRASH NONE  /* the chunk of the first job that faults */
#endif
#ifndef HANG
#define HANG NONE   /* the chunk of the first job that never returns */
#endif

#define BIT(c) (1 << (c))
#define ALL (BIT(N) - 1)
#define LEDGER(j) (done[j] | convicted[j])
#define OPEN(j) (ALL & ~LEDGER(j))

/* Shared words. Both halves of a partition in one statement are one access to its 64-bit atomic. */
byte first[P], last[P];           /* partition [first, last) */
byte exec[P], exec_job[P];        /* stamp: chunk + 1, or 0; job */
byte lease_first[P], lease_last[P];
byte done[JOBS], convicted[JOBS]; /* the ledger, a bit a chunk */
byte stop;                        /* job + 1 */
chan orders[P] = [3] of { byte, byte, byte, byte };  /* job, seq, private range */
chan reports[P] = [3] of { byte };                   /* seq, + RETIRING */
#define RETIRING 4

/* The kernel of the operating system. */
bit alive[P], starting[P], ended[P], gone[P], by_signal[P], signalled[P];
byte kills, retires = RETIRES;

/* What is really so; only failures and assertions look here. */
byte running[P], running_job[P];  /* chunk + 1 between a kernel's first and last write */
byte blameable[P];                /* chunk + 1 between stamp and ledger word */
byte open_job;                    /* job + 1 whose outputs may be written */
bit stuck[P], ran_before[P], astray[P];
byte kept[JOBS];                  /* chunks done by workers whose words are sound */
byte true_deaths[N], faults, strays, suspects;

/* C's private memory. */
bit owes[P], live[P], leaves[P], our_kill[P], cancelled, failed;
bit disturbed;                    /* a worker has died since the last sweep */
byte sent[P], alone[P], target[P], attempts[N], restarts = RESTARTS, late = LATE, job;

#if P > 2
#define ANY_OWES (owes[0] || owes[1] || owes[2])
#define ANY_LIVE (live[0] || live[1] || live[2])
#define ANY_READY (READY(0) || READY(1) || READY(2))
#else
#define ANY_OWES (owes[0] || owes[1])
#define ANY_LIVE (live[0] || live[1])
#define ANY_READY (READY(0) || READY(1))
#endif
#define READY(x) (live[x] && !leaves[x])

inline die(x, signal) {
  if
  :: running[x] && !astray[x] -> assert(!(done[running_job[x]] & BIT(running[x] - 1)))
  :: else
  fi;
  running[x] = 0; running_job[x] = 0; stuck[x] = 0; signalled[x] = 0;
  alive[x] = 0; ended[x] = 1; gone[x] = 1; by_signal[x] = signal
}

inline enter(x, j, c) {
  assert(c < N && open_job == j + 1);
#ifndef SHARED_CHUNKS
  /* With it, two honest workers may be in one chunk: see the rows named "limit". */
  assert(!(kept[j] & BIT(c)) || astray[x]);
  i = 0;
  do
  :: i < P -> assert(!(running[i] == c + 1 && running_job[i] == j) || astray[i] || astray[x]); i++
  :: else -> break
  od;
  i = 0;
#endif
#if STRAY == 0
  assert(!((suspects & BIT(c)) && ran_before[x]));
#endif
  running[x] = c + 1; running_job[x] = j; ran_before[x] = 1
}

inline stamp(x, j, c) { exec[x] = c + 1; exec_job[x] = j; blameable[x] = c + 1 }

inline enter_in_ledger(x, j, c) {
  done[j] = done[j] | BIT(c); blameable[x] = 0;
  if :: !astray[x] -> kept[j] = kept[j] | BIT(c) :: else fi
}

proctype Worker(byte w) {
  byte my_job, seq, b, e, i, v, n;
  bit got_on;
  starting[w] -> d_step { starting[w] = 0; gone[w] = 0 };
life:
  {
    skip;
end_idle:
    orders[w]?my_job, seq, b, e;
    if
    :: b < e -> goto lease
    :: else
    fi;
scan:
    atomic { b = 0; e = 0; i = 0; v = 0; n = 0 };
    if
    :: stop == my_job + 1 -> goto report
    :: else
    fi;
look:
    atomic { v = (w + i) % P; b = first[v]; e = last[v] };
#ifndef M_NO_CHECK
    if
    :: b > e || e > N -> d_step { die(w, 0) }; false
    :: else
    fi;
#endif
    if
    :: b < e ->
       if
       :: n = 1
       :: e - b > 1 -> n = 2
       fi;
#ifdef M_LEASE_EARLY
       d_step { lease_first[w] = (v == w -> b : e - n); lease_last[w] = (v == w -> b + n : e) };
#endif
       atomic {
         if
#ifdef M_TWO_WORDS
         :: v == w && first[v] == b -> first[v] = b + n; e = b + n
         :: v != w && last[v] == e -> last[v] = e - n; b = e - n
#else
         :: v == w && first[v] == b && last[v] == e -> first[v] = b + n; e = b + n
         :: v != w && first[v] == b && last[v] == e -> last[v] = e - n; b = e - n
#endif
         :: else -> goto scan
         fi;
         i = 0; v = 0; n = 0
       }
    :: else ->
       i++;
       if
       :: i < P -> goto look
       :: else -> goto report
       fi
    fi;
lease:
#ifdef REISSUE
    atomic { lease_first[w] = b; lease_last[w] = e };
#endif
#if RETIRES
    got_on = 0;
#endif
    do
    :: b < e ->
       if
       :: stop == my_job + 1 -> break
       :: else
       fi;
       if
       :: LEDGER(my_job) & BIT(b) -> b++
       :: else ->
#ifndef M_STAMP_LATE
          d_step { stamp(w, my_job, b) };
#endif
          d_step { enter(w, my_job, b) };
          if
          :: my_job == 0 && b == CRASH -> d_step { true_deaths[b]++; faults++; die(w, 0) }; false
          :: my_job == 0 && b == HANG -> stuck[w] = 1; false
          :: else
          fi;
#ifdef M_STAMP_LATE
          d_step { stamp(w, my_job, b) };
#endif
#ifdef M_DONE_EARLY
          d_step { enter_in_ledger(w, my_job, b) };
#endif
          d_step { assert(open_job == my_job + 1); running[w] = 0; running_job[w] = 0 };
#ifndef M_DONE_EARLY
          d_step { enter_in_ledger(w, my_job, b) };
#endif
#if RETIRES
          got_on = 1;
#endif
          b++
       fi
    :: else -> break
    od;
    exec[w] = 0;
    if
    :: got_on && retires -> d_step { retires--; seq = seq + RETIRING }
    :: goto scan
    fi;
report:
    atomic { b = 0; e = 0; i = 0; v = 0; n = 0 };
    reports[w]!seq;
    goto end_idle
  } unless {
    d_step {
      gone[w] -> my_job = 0; seq = 0; b = 0; e = 0; i = 0; v = 0; n = 0; got_on = 0;
      blameable[w] = 0; ran_before[w] = 0
    }
  };
end_reaped:
  atomic { starting[w] -> starting[w] = 0; gone[w] = 0 };
  goto life
}

#define KILL_FROM_OUTSIDE(x) \
  d_step { kills < KILLS && alive[x] && !starting[x] -> kills++; \
    if :: blameable[x] -> true_deaths[blameable[x] - 1]++ :: else fi; die(x, 1) }
#define KILL_LANDS(x) \
  d_step { signalled[x] && alive[x] && !starting[x] -> \
    if :: blameable[x] && blameable[x] == target[x] -> true_deaths[blameable[x] - 1]++ :: else fi; \
    die(x, 1) }

/* A SIGKILL from outside at any moment, and one of C's some time after it was sent. */
active proctype Fate() {
end:
  do
  :: KILL_FROM_OUTSIDE(0)
  :: KILL_FROM_OUTSIDE(1)
#if P > 2
  :: KILL_FROM_OUTSIDE(2)
#endif
  :: KILL_LANDS(0)
  :: KILL_LANDS(1)
#if P > 2
  :: KILL_LANDS(2)
#endif
  od
}

#if STRAY
#define MAY_STRAY (strays < STRAY && astray[0] && alive[0] && !starting[0])
/* The first process of slot 0 writes rubbish into its words, and else goes on by its program, as one
 * with a stray pointer does. The default are values that a check finds or that name nothing open;
 * STRAY_STAMP adds any open chunk, STRAY_RANGE any range of the job. */
active proctype Rubbish() {
  byte x, y;
end:
  do
  :: atomic { MAY_STRAY -> strays++; exec[0] = 0 }
  :: atomic { MAY_STRAY -> strays++; exec[0] = N + 1; exec_job[0] = job }
  :: atomic { MAY_STRAY -> strays++; exec[0] = 1; exec_job[0] = job + 1 }
  :: atomic { MAY_STRAY -> strays++; first[0] = 2; last[0] = 1 }
  :: atomic { MAY_STRAY -> strays++; first[0] = 0; last[0] = N + 1 }
  :: atomic { MAY_STRAY -> strays++; last[0] = first[0] }
#ifdef REISSUE
  :: atomic { MAY_STRAY -> strays++; lease_first[0] = 2; lease_last[0] = 1 }
#endif
#ifdef STRAY_STAMP
  :: atomic { MAY_STRAY -> strays++; select(x : 1 .. N); exec[0] = x; exec_job[0] = job; x = 0 }
#endif
#ifdef STRAY_RANGE
  :: atomic {
       MAY_STRAY -> strays++; select(x : 0 .. N); select(y : 0 .. N);
       first[0] = x; last[0] = y; x = 0; y = 0
     }
#ifdef REISSUE
  :: atomic {
       MAY_STRAY -> strays++; select(x : 0 .. N); select(y : 0 .. N);
       lease_first[0] = x; lease_last[0] = y; x = 0; y = 0
     }
#endif
#endif
  od
}
#endif

inline order(x, begin, end_) {
  sent[x] = (sent[x] + 1) % 4; orders[x]!job, sent[x], begin, end_; owes[x] = 1
}

inline take_report(x) {
  d_step {
    reports[x]?t;
#ifdef M_NO_SEQ
    owes[x] = 0;
#else
    if :: t % RETIRING == sent[x] -> owes[x] = 0 :: else fi;
#endif
#ifndef M_RETIRED_STAYS
    if
    :: t >= RETIRING && !owes[x] && live[x] ->
       leaves[x] = 1; our_kill[x] = 1; target[x] = 0; signalled[x] = 1
    :: else
    fi;
#endif
    t = 0
  }
}

/* [lo, hi): the hull of the chunks in t. */
inline hull() {
  lo = 0; hi = 0; c = 0;
  do
  :: c < N ->
     if
     :: t & BIT(c) -> if :: lo == hi -> lo = c :: else fi; hi = c + 1
     :: else
     fi;
     c++
  :: else -> break
  od;
  c = 0; t = 0
}

#define NAMES_OPEN(x) (s && s <= N && exec_job[x] == job && (OPEN(job) & BIT(s - 1)))
#ifdef M_BELIEVE_ALL
#define BELIEVED(x) (s)
#elif defined(M_BLAME_OUR_KILL)
#define BELIEVED(x) NAMES_OPEN(x)
#else
#define BELIEVED(x) (NAMES_OPEN(x) && !(our_kill[x] && by_signal[x] && target[x] != s))
#endif

/* s: the suspect, chunk + 1, or 0. [lo, hi): what else the replacement gets as a private range. */
inline examine(x) {
  ended[x] = 0; signalled[x] = 0; live[x] = 0; leaves[x] = 0; owes[x] = 0; s = exec[x];
  disturbed = 1;
  do :: len(reports[x]) > 0 -> reports[x]?t :: else -> break od;
  do :: len(orders[x]) > 0 -> orders[x]?t, _, _, _ :: else -> break od;
  t = 0;
  if :: BELIEVED(x) -> skip :: else -> s = 0 fi;
#ifndef M_STAMP_KEPT
  exec[x] = 0; exec_job[x] = 0;
#endif
  our_kill[x] = 0; target[x] = 0;
  if
  :: s ->
     assert(s <= N && (OPEN(job) & BIT(s - 1)));
     attempts[s - 1]++; suspects = suspects | BIT(s - 1);
#if STRAY == 0
     assert(true_deaths[s - 1] >= attempts[s - 1])
#endif
  :: !s && alone[x] && (OPEN(job) & BIT(alone[x] - 1)) -> s = alone[x]
  :: else
  fi;
  alone[x] = 0;
#if (STRAY == 0) && (CRASH < N)
  if :: job == 0 && !by_signal[x] -> assert(attempts[CRASH] >= faults) :: else fi;
#endif
  lo = 0; hi = 0;
#ifdef REISSUE
  if
  :: lease_first[x] <= lease_last[x] && lease_last[x] <= N -> lo = lease_first[x]; hi = lease_last[x]
  :: else
  fi;
  lease_first[x] = 0; lease_last[x] = 0;
  do :: lo < hi && (LEDGER(job) & BIT(lo)) -> lo++ :: else -> break od;
  if :: lo >= hi -> lo = 0; hi = 0 :: else fi
#endif
}

inline replace(x) {
  if
  :: restarts > 0 ->
     d_step { restarts--; live[x] = 1; alive[x] = 1; starting[x] = 1; astray[x] = 0 };
     if
     :: stop == job + 1
#ifdef M_SUSPECT_SHARED
     :: stop != job + 1 && s && first[x] == last[x] ->
        d_step { first[x] = s - 1; last[x] = s; order(x, 0, 0) }
     :: stop != job + 1 && s && first[x] != last[x] -> d_step { alone[x] = s; order(x, s - 1, s) }
#else
     :: stop != job + 1 && s ->
        d_step {
          alone[x] = s;
          if :: lo < hi && lo + 1 == s -> skip :: else -> lo = s - 1; hi = s fi;
          order(x, lo, hi)
        }
#endif
     :: stop != job + 1 && !s -> d_step { order(x, lo, hi) }
     fi
  :: else ->
     if
     :: s && stop != job + 1 -> failed = 1; stop = job + 1
     :: else
     fi
  fi
}

inline mourn(x) {
  d_step { examine(x) };
  if
  :: s && attempts[s - 1] >= R ->
#ifdef M_CONVICT_STORE
     d_step { done[job] = done[job] & ~BIT(s - 1); convicted[job] = convicted[job] | BIT(s - 1) };
#else
     d_step {
       if
       :: !(done[job] & BIT(s - 1)) -> convicted[job] = convicted[job] | BIT(s - 1)
       :: else
       fi
     };
#endif
     d_step { assert((kept[job] & ~done[job]) == 0); suspects = suspects & ~BIT(s - 1); s = 0 }
  :: else
  fi;
#ifdef M_SWEEP_BUSY
  d_step {
    t = OPEN(job); c = 0;
    do
    :: c < N ->
       if
       :: (first[0] <= c && c < last[0]) || (first[1] <= c && c < last[1]) -> t = t & ~BIT(c)
       :: else
       fi;
       c++
    :: else -> break
    od;
    hull();
    if :: lo < hi -> s = 0 :: else fi
  };
#endif
  replace(x);
#if defined(LOOK_AGAIN) || defined(M_NO_SEQ)
  do  /* orders to workers that still owe a report */
  :: c < P ->
     if
     :: c != x && live[c] && len(orders[c]) < 2 && len(reports[c]) < 2 -> d_step { order(c, 0, 0) }
     :: else
     fi;
     c++
  :: else -> break
  od;
  c = 0;
#endif
  d_step { s = 0; t = 0; lo = 0; hi = 0; c = 0 }
}

inline send_kill(x) {
  d_step { our_kill[x] = 1; target[x] = exec[x]; signalled[x] = 1 };
#ifdef M_KILL_IS_DEATH
  owes[x] = 0
#endif
}

inline order_all() {
  do
  :: c < P -> if :: READY(c) -> d_step { order(c, 0, 0) } :: else fi; c++
  :: else -> break
  od;
  c = 0
}

inline open() {
  d_step {
    disturbed = 0; failed = 0; cancelled = 0; suspects = 0; open_job = job + 1;
    do :: c < N -> attempts[c] = 0; true_deaths[c] = 0; c++ :: else -> break od;
    c = 0;
    do :: c < P -> alone[c] = 0; c++ :: else -> break od;
    c = 0
  };
  do :: c < P -> d_step { first[c] = c * N / P; last[c] = (c + 1) * N / P; c++ } :: else -> break od;
  c = 0;
  order_all()
}

inline sweep() {
#if STRAY == 0
  assert((suspects & OPEN(job)) == 0);
  assert(disturbed);
#endif
  disturbed = 0;
  d_step { first[0] = lo; last[0] = (lo + hi) / 2 };
  d_step { first[1] = (lo + hi) / 2; last[1] = hi };
#if P > 2
  d_step { first[2] = hi; last[2] = hi };
#endif
  d_step { lo = 0; hi = 0 };
  order_all()
}

inline close() {
  d_step {
    lo = 0; hi = 0;
    do :: c < P -> assert(!(running[c] && running_job[c] == job)); c++ :: else -> break od;
    c = 0;
    assert(cancelled || failed || OPEN(job) == 0);
    assert((kept[job] & ~done[job]) == 0);
#if STRAY == 0
    do
    :: c < N ->
       if :: convicted[job] & BIT(c) -> assert(true_deaths[c] >= R) :: else fi;
       if
       :: job == 0 && (c == CRASH || c == HANG) && !cancelled && !failed ->
          assert(convicted[0] & BIT(c))
       :: else
       fi;
       c++
    :: else -> break
    od;
    c = 0;
#endif
    open_job = 0; suspects = 0; job++
  }
}

proctype Coordinator() {
  byte s, t, c, lo, hi;
  d_step {
    do :: c < P -> alive[c] = 1; live[c] = 1; starting[c] = 1; c++ :: else -> break od;
    c = 0;
#if STRAY
    astray[0] = 1
#endif
  };
  do
  :: job < JOBS ->
     open();
     do
     :: len(reports[0]) > 0 -> take_report(0)
     :: len(reports[1]) > 0 -> take_report(1)
     :: ended[0] -> mourn(0)
     :: ended[1] -> mourn(1)
#if P > 2
     :: len(reports[2]) > 0 -> take_report(2)
     :: ended[2] -> mourn(2)
#endif
#ifdef CANCEL
     :: job == 0 && stop == 0 -> d_step { cancelled = 1; stop = 1 }
#endif
#if HANG < NONE
     :: stuck[0] && !signalled[0] -> send_kill(0)
     :: stuck[1] && !signalled[1] -> send_kill(1)
#endif
#if LATE
     :: d_step { late && exec[0] && !our_kill[0] && live[0] -> late-- }; send_kill(0)
     :: d_step { late && exec[1] && !our_kill[1] && live[1] -> late-- }; send_kill(1)
#endif
     :: !ANY_OWES && (ANY_READY || !ANY_LIVE) ->
        d_step { t = OPEN(job); hull() };
        if
        :: lo == hi -> break
        :: lo < hi && stop == job + 1 -> break
        :: lo < hi && stop != job + 1 && !ANY_LIVE -> failed = 1; break
        :: else -> sweep()
        fi
     od;
     close()
  :: else -> break
  od
}

init { atomic { byte k; do :: k < P -> run Worker(k); k++ :: else -> break od; run Coordinator() } }
