#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ipc/messages.h"
#include "tests/unit/ipc/msgpack_bytes.h"

namespace gristmill::ipc {

// One of each kind of message, so filled that each field is told from its neighbours and from its
// default. Signed integers are negative, so that they are told from unsigned ones.
KernelRequest sample_request();
Setup sample_setup();
OpenJob sample_open_job();
Described sample_described();
Planned sample_planned();
Refused sample_refused();
JobFailed sample_job_failed();
std::vector<ChannelMessage> sample_channel_messages();
std::vector<Task> sample_tasks();
std::vector<Report> sample_reports();

// A request with these parameters and all else at its default.
PlanRequest plan_params(std::vector<ParamValue> params);

// An encoded sample; the three kinds of decoding behind one face.
struct Sample {
  Bytes bytes;
  // The encoding of what is decoded; none: malformed.
  std::optional<Bytes> (*recoded)(std::span<const std::byte>);
};

std::optional<Bytes> recoded_task(std::span<const std::byte> bytes);

// All samples.
std::vector<Sample> samples();

// True if it is none of the three kinds.
bool is_malformed(const Bytes& bytes);

}  // namespace gristmill::ipc
