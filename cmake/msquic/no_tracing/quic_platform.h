/* Found ahead of MsQuic's header of this name when it is built for use.
 *
 * MsQuic without logging drops its trace calls, but not what it does to have something to trace: it still says that
 * its events and its verbose log are enabled, so that every packet's frames are decoded once more, and every stream of
 * a connection is visited after each packet that was sent. That is a tenth of what a relay with many streams does. */
#pragma once

#include_next "quic_platform.h"
#include "quic_trace.h"

#undef QuicTraceEventEnabled
#undef QuicTraceLogInfoEnabled
#undef QuicTraceLogVerboseEnabled
#define QuicTraceEventEnabled(Name) FALSE
#define QuicTraceLogInfoEnabled() FALSE
#define QuicTraceLogVerboseEnabled() FALSE
