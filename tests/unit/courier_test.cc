#include "agent/courier.h"

#include <gtest/gtest.h>

#include "proto/canonical.h"
#include "tests/unit/full_disk.h"
#include "tests/unit/host_folder.h"

namespace metsuke {
namespace {

TEST(Courier, WhatCouldNotBeRecordedOnceMoreIsSentAsALoss) {
  const HostFolder folder;
  auto spool = Spool::Open(folder.path() / "spool", kDefaultSpoolBytes, 1000);
  ASSERT_TRUE(spool.ok()) << spool.status();
  ASSERT_TRUE((*spool)->Append(v1::State(), {}, 1000).ok());
  ASSERT_TRUE((*spool)->Free(1).ok());
  Courier courier(**spool, "1");
  courier.Connected(1000);
  ASSERT_TRUE(courier.NextMessage(1000)->has_hello());
  v1::ControllerMessage welcome;
  welcome.mutable_welcome()->set_acknowledged(1);
  courier.Received(welcome, 1000);
  ASSERT_TRUE(courier.drained());

  const FullDisk full(8);
  EXPECT_FALSE(courier.RecordCurrent(1000));
  EXPECT_FALSE((*spool)->current()) << "the host is to be looked at anew";
  const auto message = courier.NextMessage(1000);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->record().loss().from(), 2u);
  EXPECT_EQ(message->record().loss().to(), 2u);
}

}  // namespace
}  // namespace metsuke
