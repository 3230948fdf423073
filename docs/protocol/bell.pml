/* The wake-ups of ../protocol.md, with no tick to mend what is missed.
 *
 * A worker sleeps in poll on its eventfd, which it answers, and on its socket. C sleeps in epoll on
 * the eventfds of its workers (edge-triggered, never answered), their pidfds, and the eventfd by
 * which threads of its own process hand it commands (level-triggered, answered).
 * Options are -D macros; those that begin with M_ break a rule.
 */
#ifndef P
#define P 2       /* workers */
#endif
#ifndef ROUNDS
#define ROUNDS 2  /* orders to each worker */
#endif
#ifndef KILLS
#define KILLS 1   /* workers that die */
#endif
#ifndef COMMANDS
#define COMMANDS 1
#endif

byte orders[P], reports[P], commands;  /* published and not yet taken */
bit bell[P];                           /* a worker's eventfd is readable */
bit edge[P];                           /* C's epoll has an event of a worker's ring */
bit command_bell;
bit pidfd[P], gone[P], left[P];
bit closed;                            /* C's end of the sockets */
bit c_dies;                            /* with C_DIES: at any step, or never */
byte kills;

proctype Worker(byte w) {
  {
    skip;
    do
    :: orders[w] > 0 ->
       orders[w]--;
#ifdef M_RING_FIRST
       edge[w] = 1;
       reports[w]++
#else
       reports[w]++;
       edge[w] = 1
#endif
#ifdef M_LOOK_FIRST
    :: orders[w] == 0 -> bell[w] = 0;
end_look_first:
#else
    :: orders[w] == 0 ->
end_poll:
#endif
#ifdef M_NO_SOCKET
       bell[w];
#else
       bell[w] || closed;
       if
       :: closed -> break
       :: else
       fi;
#endif
#ifndef M_LOOK_FIRST
       bell[w] = 0
#else
       skip
#endif
    od;
    left[w] = 1
  } unless { gone[w] -> pidfd[w] = 1; left[w] = 1 }
}

active proctype Fate() {
end:
  do
  :: d_step { kills < KILLS && !gone[0] && !left[0] -> kills++; gone[0] = 1 }
  :: d_step { kills < KILLS && !gone[1] && !left[1] -> kills++; gone[1] = 1 }
  od
}

active proctype User() {
  byte i;
  do
  :: i < COMMANDS -> i++; commands++; command_bell = 1
  :: else -> break
  od
}

byte round[P], taken;
bit owes[P], live[P];
#if P > 2
#define ANY_OWES (owes[0] || owes[1] || owes[2])
#define ANY_EVENT (edge[0] || edge[1] || edge[2] || WATCHED(0) || WATCHED(1) || WATCHED(2) || command_bell)
#else
#define ANY_OWES (owes[0] || owes[1])
#define ANY_EVENT (edge[0] || edge[1] || WATCHED(0) || WATCHED(1) || command_bell)
#endif
#ifdef M_NO_PIDFD
#define WATCHED(x) (0)
#else
#define WATCHED(x) (pidfd[x] && live[x])
#endif

inline forget_edges() {
  d_step { do :: c < P -> edge[c] = 0; c++ :: else -> break od; c = 0 }
}

inline look() {
  do :: commands > 0 -> d_step { commands--; taken++ } :: else -> break od;
  do
  :: c < P ->
     if
     :: reports[c] > 0 -> d_step { reports[c]--; owes[c] = 0 }
     :: else
     fi;
     c++
  :: else -> break
  od;
  c = 0;
  do
  :: c < P ->
     if
     :: pidfd[c] && live[c] -> d_step { live[c] = 0; owes[c] = 0 }
     :: else
     fi;
     c++
  :: else -> break
  od;
  c = 0
}

active proctype Coordinator() {
  byte c;
#ifdef C_DIES
  {
#endif
  d_step { do :: c < P -> live[c] = 1; c++ :: else -> break od; c = 0 };
  do
  :: true ->
     do
     :: c < P ->
        if
        :: live[c] && !owes[c] && round[c] < ROUNDS ->
           d_step { round[c]++; owes[c] = 1 };
#ifdef M_RING_FIRST_C
           bell[c] = 1;
           orders[c]++
#else
           orders[c]++;
           bell[c] = 1
#endif
        :: else
        fi;
        c++
     :: else -> break
     od;
     c = 0;
     if
     :: !ANY_OWES && taken == COMMANDS -> break
     :: else
     fi;
     ANY_EVENT;
#ifdef M_EDGES_AFTER
     command_bell = 0; look(); forget_edges()
#elif defined(M_COMMANDS_AFTER)
     forget_edges(); look(); command_bell = 0
#else
     forget_edges(); command_bell = 0; look()
#endif
  od
#ifdef C_DIES
  } unless { c_dies }
#endif
  ; closed = 1
}

#ifdef C_DIES
active proctype FateOfC() { if :: c_dies = 1 :: skip fi }
#endif

active proctype AllAsleep() {
  timeout -> assert(closed && left[0] && left[1])
}

init { atomic { byte k; do :: k < P -> run Worker(k); k++ :: else -> break od } }
