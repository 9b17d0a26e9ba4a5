// What the answers to operators have in common.

#ifndef METSUKE_CONTROLLER_OPERATOR_CALL_H_
#define METSUKE_CONTROLLER_OPERATOR_CALL_H_

#include <grpcpp/grpcpp.h>

#include <ctime>
#include <string>

#include "controller/gate.h"
#include "proto/grpc_tls.h"

namespace metsuke {

// Items in one message of a stream: a message stays well below 1 MiB.
inline constexpr int kBatch = 500;

// Name of the operator who asks.
inline std::string Caller(const grpc::ServerContext& context) {
  const auto identity = PeerIdentity(*context.auth_context());
  return identity.ok() ? identity->name : "unknown";
}

inline int64_t Now() { return std::time(nullptr); }

// Sends `bytes` in messages that are well below what one may have.
template <typename Reply>
void WritePieces(grpc::ServerWriter<Reply>* writer, const std::string& bytes) {
  constexpr size_t kPieceBytes = 256 << 10;
  for (size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    Reply reply;
    reply.set_piece(bytes.substr(at, kPieceBytes));
    if (!writer->Write(reply)) break;
  }
}

// Sends items one by one as messages of at most kBatch items.
template <typename Reply>
class Batches {
 public:
  explicit Batches(grpc::ServerWriter<Reply>* writer) : writer_(writer) {}

  // The message to add one more item to.
  Reply& Next() {
    if (count_ == kBatch) Flush();
    ++count_;
    return reply_;
  }
  // Sends what is there; false when nobody listens any more.
  bool Flush() {
    alive_ = alive_ && writer_->Write(reply_);
    reply_.Clear();
    count_ = 0;
    return alive_;
  }
  bool alive() const { return alive_; }

 private:
  grpc::ServerWriter<Reply>* writer_;
  Reply reply_;
  int count_ = 0;
  bool alive_ = true;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_OPERATOR_CALL_H_
