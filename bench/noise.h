#pragma once

namespace gristmill::bench {

// What others did to this machine meanwhile, as parts of all its CPU time.
struct Noise {
  double foreign = 0;  // CPU time of processes other than this one and its children
  double steal = 0;    // taken by the host of a virtual machine

  double worst() const { return foreign > steal ? foreign : steal; }
};

// A moment, by /proc/stat and the CPU clocks of this process and its children. /proc/stat counts in
// ticks of 10 ms, so a window of less than some 200 ms says little, and bursts that end between two
// ticks are not seen at all.
class CpuReading {
 public:
  static CpuReading now();
  // Requires: earlier was taken before this one.
  Noise since(const CpuReading& earlier) const;

 private:
  double all_ = 0;   // seconds, as are the others
  double busy_ = 0;  // steal not included
  double steal_ = 0;
  double own_ = 0;
};

}  // namespace gristmill::bench
